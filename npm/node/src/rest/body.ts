import type { IncomingMessage } from "node:http";
import { HelloJohnError } from "../errors";
import { BODY_MAX } from "./adapter";

/** How much more of a body that was refused is read and thrown away, so that its sender gets to read the answer. */
const DISCARD_BYTES = 1 << 20;
const DISCARD_MS = 2_000;

/** The client went away before its request was whole: there is nobody to answer. */
export class ClientDisconnected extends Error {}

/** A request that a framework may have prepared. */
type Prepared = IncomingMessage & { rawBody?: unknown; body?: unknown };

/**
 * The body, at most one byte more than the limit: what a framework kept of it byte by byte; else the stream; else, when
 * the framework has read that, what it made of it, written as JSON again.
 */
export async function readNodeBody(request: IncomingMessage): Promise<Uint8Array> {
  const { rawBody, body } = request as Prepared;
  for (const kept of [rawBody, body]) {
    if (typeof kept === "string") return limitBody(Buffer.from(kept));
    if (kept instanceof Uint8Array) return limitBody(kept);
  }
  if (!request.readableDidRead && !request.readableEnded) return readStream(request);
  if (typeof body === "object" && body !== null && hasBody(request)) {
    return limitBody(Buffer.from(JSON.stringify(body)));
  }
  if (!hasBody(request)) return new Uint8Array();
  throw new HelloJohnError("internal", "something else has read the body of the request and kept nothing");
}

function limitBody(body: Uint8Array): Uint8Array {
  return body.subarray(0, BODY_MAX + 1);
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

function readStream(request: IncomingMessage): Promise<Uint8Array> {
  if (Number(request.headers["content-length"] ?? 0) > BODY_MAX) {
    discard(request);
    return Promise.resolve(new Uint8Array(BODY_MAX + 1));
  }
  return new Promise((settle, reject) => {
    if (request.destroyed) return reject(new ClientDisconnected());
    const chunks: Buffer[] = [];
    let length = 0;
    const onData = (chunk: Buffer | string) => {
      const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
      chunks.push(bytes);
      length += bytes.length;
      if (length > BODY_MAX) {
        discard(request);
        onEnd();
      }
    };
    const onEnd = () => {
      stop();
      settle(limitBody(Buffer.concat(chunks)));
    };
    const onClose = () => {
      stop();
      reject(new ClientDisconnected());
    };
    const stop = () => {
      request.off("data", onData).off("end", onEnd).off("close", onClose).off("error", onClose);
    };
    request.on("data", onData).on("end", onEnd).on("close", onClose).on("error", onClose);
  });
}

/** Lets the sender of too much come to an end, within limits; then the connection ends. */
function discard(request: IncomingMessage): void {
  let left = DISCARD_BYTES;
  const patience = setTimeout(() => request.destroy(), DISCARD_MS);
  patience.unref();
  request.on("data", (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) request.pause();
  });
  for (const end of ["end", "close"]) request.on(end, () => clearTimeout(patience));
  // Without a listener an error of a connection that is given up would be thrown.
  request.on("error", () => undefined);
}

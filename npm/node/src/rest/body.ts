import type { IncomingMessage } from "node:http";
import { types } from "node:util";
import { HelloJohnError } from "../errors";
import { Buffer, clearTimeout, setTimeout } from "../internal/globals";
import { BODY_MAX } from "./adapter";

/** How much of a refused body is read on and discarded, so that its sender gets to read the answer. */
const DISCARD_BYTES = 1 << 20;
const DISCARD_MS = 2_000;

/** The client disconnected before it had sent the whole request. */
export class ClientDisconnected extends Error {}

/** A request whose body a framework may have read. */
type FrameworkRequest = IncomingMessage & { rawBody?: unknown; body?: unknown };

/**
 * Reads the body, at most one byte more than the limit: the bytes or text that a framework kept of it; else the stream;
 * else, when the framework has read the stream, the value that it parsed, written as JSON again.
 */
export async function readNodeBody(request: IncomingMessage): Promise<Uint8Array> {
  const { rawBody, body } = request as FrameworkRequest;
  for (const original of [rawBody, body]) {
    if (typeof original === "string") return limitBody(Buffer.from(original));
    // Also bytes of another realm: a test environment may have a Uint8Array of its own.
    if (types.isUint8Array(original)) return limitBody(original);
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

/** Lets the sender of a body that is too long finish, within limits; beyond them the connection is destroyed. */
function discard(request: IncomingMessage): void {
  let left = DISCARD_BYTES;
  const deadline = setTimeout(() => request.destroy(), DISCARD_MS);
  deadline.unref();
  request.on("data", (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) request.pause();
  });
  for (const end of ["end", "close"]) request.on(end, () => clearTimeout(deadline));
  // Without a listener, an error of the abandoned connection would be thrown.
  request.on("error", () => undefined);
}

// The receiver of the soak's webhook: every post must be genuine, and no event may be missing or come before an earlier one has come.
import { once } from "node:events";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { Webhook } from "standardwebhooks";

export class Receiver {
  posts = 0;
  #server;
  #last = 0;

  static async listen(secret, report) {
    const receiver = new Receiver();
    const genuine = new Webhook(secret);
    receiver.#server = createServer(async (request, answer) => {
      try {
        receiver.#take(genuine.verify(await text(request), request.headers).data.seq, report);
      } catch (error) {
        report(`a post: ${error}`);
      }
      answer.end();
    });
    await once(receiver.#server.listen(0, "127.0.0.1"), "listening");
    receiver.url = `http://127.0.0.1:${receiver.#server.address().port}/`;
    return receiver;
  }

  /** An event may come again, after its process was killed; then those after it come again as well. */
  #take(seq, report) {
    this.posts += 1;
    if (seq > this.#last + 1) report(`event ${seq} came after ${this.#last}`);
    this.#last = Math.max(this.#last, seq);
  }

  async close() {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

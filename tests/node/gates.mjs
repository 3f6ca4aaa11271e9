// Guards without a server: requests that are made by hand, and what comes of them.
import { makeFolder, makeTenant } from "./fixture.mjs";

export const bearer = (token) => ["Authorization", `Bearer ${token}`];

/** What a response of `node:http` was told. */
function makeResponse() {
  const sent = { statusCode: 200, headersSent: false, body: null };
  return Object.assign(sent, {
    setHeader() {},
    appendHeader() {},
    end(body) {
      Object.assign(sent, { headersSent: true, body });
    },
  });
}

/** Sends a request through a middleware: the user, or the status and the error's code; and whether the answer came at once. */
export async function pass(middleware, rawHeaders, method = "GET") {
  const request = { method, url: "/", rawHeaders, socket: {} };
  const response = makeResponse();
  let isDone = false;
  const done = new Promise((settle) => {
    const end = (passed) => {
      isDone = true;
      settle(passed);
    };
    response.end = (body) =>
      end({ status: response.statusCode, code: body ? JSON.parse(body).error.code : undefined });
    middleware(request, response, () => end({ auth: request.auth }));
  });
  const isAtOnce = isDone;
  return { isAtOnce, outcome: await done };
}

/** Two objects on one database: one that remembers, and one that does not. */
export function makePair(t, options) {
  const database = `${makeFolder(t)}/sessions.db`;
  const remembering = makeTenant(t, { database, ...options });
  const forgetful = makeTenant(t, { database, tokenCacheCapacity: 0, ...options });
  return { remembering, forgetful, database };
}

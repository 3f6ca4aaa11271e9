// The same as a worker at the edge: the request has the tokens, the answer the verdicts.
import { judgeAll } from "./judge_all.mjs";

export default {
  async fetch(request) {
    return Response.json(await judgeAll(await request.json()));
  },
};

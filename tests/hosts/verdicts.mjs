// The verifier of @hellojohn/client in a runtime, against the verdicts of the engine.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeEngineCases, makeListCases, makeSignedCases, NOW, TENANT } from "../client/token_cases.mjs";

/** Has a runtime judge genuine and forged tokens: `judge` gets {jwks, tokens, tenantId, now, list?} and resolves to the verdicts. */
export async function compareVerdicts(judge) {
  const { hj, jwks, cases } = await makeEngineCases();
  const signed = makeSignedCases();
  const expected = [];
  for (const { token } of cases) {
    expected.push(
      await hj.verifyToken(token).then(
        () => "valid",
        ({ code }) => code,
      ),
    );
  }
  await hj.close();
  const listed = await makeListCases();
  await listed.hj.close();
  const verdictsOf = ({ cases }) => cases.map(({ verdict }) => verdict);
  for (const [keys, judged, verdicts, now, list] of [
    [jwks, cases, expected, NOW],
    [signed.jwks, signed.cases, verdictsOf(signed), NOW],
    [listed.jwks, listed.cases, verdictsOf(listed), listed.now, listed.list],
  ]) {
    const tokens = judged.map(({ token }) => token);
    const found = await judge({ jwks: keys, tokens, tenantId: TENANT, now, list });
    const name = (verdict, index) => `${judged[index].name}: ${verdict}`;
    assert.deepEqual(found.map(name), verdicts.map(name));
  }
}

/** The same by a program that is given a file and prints the verdicts. */
export function compareVerdictsOf(folder, runFile) {
  const file = join(folder, "tokens.json");
  return compareVerdicts(async (cases) => {
    writeFileSync(file, JSON.stringify(cases));
    return JSON.parse(runFile(file));
  });
}

import { createVerifier } from "@hellojohn/client";

/** The verdict on each token: `valid`, or the code of the error. */
export async function judgeAll({ jwks, tokens, tenantId, now }) {
  const verifier = createVerifier({
    jwksUrl: "https://app.example.test/.well-known/jwks.json",
    tenantId,
    now: () => now,
    fetch: async () => Response.json(jwks),
  });
  const verdicts = [];
  for (const token of tokens) {
    verdicts.push(
      await verifier.verify(token).then(
        () => "valid",
        ({ code, stack }) => code ?? stack,
      ),
    );
  }
  return verdicts;
}

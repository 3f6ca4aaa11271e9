import { createVerifier } from "@hellojohn/client";

/** The verdict on each token: `valid`, with a revocation list what that says, or the code of the error. */
export async function judgeAll({ jwks, tokens, tenantId, now, list }) {
  const verifier = createVerifier({
    jwksUrl: "https://app.example.test/.well-known/jwks.json",
    ...(list ? { revocationsUrl: "https://app.example.test/v1/revocations" } : {}),
    tenantId,
    now: () => now,
    fetch: async ({ pathname }) => Response.json(pathname === "/v1/revocations" ? { list } : jwks),
  });
  const verdicts = [];
  for (const token of tokens) {
    verdicts.push(
      await verifier.verify(token).then(
        ({ revocation = "valid" }) => revocation,
        ({ code, stack }) => code ?? stack,
      ),
    );
  }
  return verdicts;
}

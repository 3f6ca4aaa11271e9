"use client";

import { useHelloJohn } from "@hellojohn/react";

export function SignIn() {
  const { status, signIn } = useHelloJohn();
  return (
    <button type="button" onClick={() => signIn({ email: "usr_ada", password: "correct horse" })}>
      {status}
    </button>
  );
}

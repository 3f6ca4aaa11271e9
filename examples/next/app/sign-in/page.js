"use client";

import { useActionState } from "react";
import { signInWithForm } from "../../lib/actions.js";

export default function SignIn() {
  const [problem, submit, isPending] = useActionState(signInWithForm, null);
  return (
    <form action={submit}>
      <label>
        E-mail <input name="email" type="email" autoComplete="username" required />
      </label>
      <label>
        Password <input name="password" type="password" autoComplete="current-password" required />
      </label>
      <button type="submit" disabled={isPending}>
        Sign in
      </button>
      <p role="alert">{problem}</p>
    </form>
  );
}

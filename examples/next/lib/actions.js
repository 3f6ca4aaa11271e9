"use server";

import { redirect } from "next/navigation";
import { auth, hj, signIn, signOut } from "./auth.js";

export async function signInWithForm(_, form) {
  try {
    await signIn({ email: String(form.get("email")), password: String(form.get("password")) });
  } catch (error) {
    if (error.code === "invalid_credentials") return "The address or the password is wrong.";
    if (error.code === "too_many_requests") return `Try again in ${error.retryAfter} seconds.`;
    throw error;
  }
  return redirect("/account");
}

export async function signOutWithForm() {
  await signOut();
  redirect("/");
}

export async function revokeOthers() {
  const user = await auth({ refuseActor: true });
  if (!user) redirect("/sign-in");
  await hj.sessions.revokeAll(user.userId, { except: user.sessionId });
  redirect("/account");
}

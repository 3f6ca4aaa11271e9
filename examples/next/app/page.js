import Link from "next/link";
import { auth } from "../lib/auth.js";

export default async function Home() {
  const user = await auth();
  return user ? (
    <p>
      Signed in as {user.userId}. <Link href="/account">Your account</Link>
    </p>
  ) : (
    <p>
      You are not signed in. <Link href="/sign-in">Sign in</Link>
    </p>
  );
}

import { redirect } from "next/navigation";
import { revokeOthers, signOutWithForm } from "../../lib/actions.js";
import { auth, hj } from "../../lib/auth.js";

export default async function Account() {
  const user = await auth();
  if (!user) redirect("/sign-in");
  const sessions = await hj.sessions.list(user.userId, { status: "active" });
  return (
    <>
      <h1>{user.userId}</h1>
      <ul>
        {[...sessions].map(({ id, deviceType, lastActiveAt }) => (
          <li key={id}>
            {deviceType}, last used <time>{lastActiveAt.toISOString()}</time>
            {id === user.sessionId && " (this one)"}
          </li>
        ))}
      </ul>
      <form action={revokeOthers}>
        <button type="submit">Sign out all others</button>
      </form>
      <form action={signOutWithForm}>
        <button type="submit">Sign out</button>
      </form>
    </>
  );
}

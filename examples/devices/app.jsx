// A sign-in form, and the page of the user's devices.
import { HelloJohnProvider, SessionManager, useHelloJohn } from "@hellojohn/react";
import { useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import { Brand, ThemeChoice } from "./header.jsx";
import { SignIn } from "./sign_in.jsx";
import "@hellojohn/react/styles.css";
import "./app.css";

function Page() {
  const { status, signOut } = useHelloJohn();
  const [failure, setFailure] = useState("");
  useEffect(() => {
    document.title = status === "signed_in" ? "Your devices" : "Sign in";
  }, [status]);
  if (status === "loading") return <Loading />;
  if (status === "signed_out") return <SignIn />;
  const leave = () => signOut().catch(() => setFailure("Could not sign out. You may be offline."));
  return (
    <>
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <header className="top">
        <Brand />
        <span className="grow" />
        <button type="button" className="quiet" onClick={leave}>
          Sign out
        </button>
        <ThemeChoice />
      </header>
      <main id="main" className="main" tabIndex={-1}>
        {failure && (
          <p className="problem" role="alert">
            {failure}
          </p>
        )}
        <SessionManager headingLevel={1} />
      </main>
    </>
  );
}

/** Nothing for a moment; then, if no answer comes, how to go on. */
function Loading() {
  const { error, refresh } = useHelloJohn();
  if (!error) return <main className="main" aria-busy="true" aria-label="Loading" />;
  return (
    <main className="main">
      <h1>No answer</h1>
      <p className="lead">The server did not answer. You may be offline.</p>
      <p>
        <button type="button" className="action" onClick={() => refresh().catch(() => {})}>
          Try again
        </button>
      </p>
    </main>
  );
}

createRoot(document.getElementById("app")).render(
  <HelloJohnProvider baseUrl="/auth">
    <Page />
  </HelloJohnProvider>,
);

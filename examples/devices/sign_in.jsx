import { describeEnd, useHelloJohn } from "@hellojohn/react";
import { useRef, useState } from "react";
import { Brand, ThemeChoice } from "./header.jsx";

/** What a person reads when a sign-in fails, by the code of the error. */
function describeFailure({ code, retryAfter }) {
  switch (code) {
    case "invalid_credentials":
      return "Email or password is wrong.";
    case "too_many_requests":
      return `Too many attempts. Try again in ${formatSeconds(retryAfter ?? 60)}.`;
    case "network_error":
      return "No answer. You may be offline.";
    default:
      return "Not available for a moment. Try again.";
  }
}

function formatSeconds(seconds) {
  const [number, unit] = seconds < 100 ? [seconds, "second"] : [Math.ceil(seconds / 60), "minute"];
  return `${number} ${unit}${number === 1 ? "" : "s"}`;
}

/** The form. "Remember me" decides how long the session lasts, as the hint says. */
export function SignIn() {
  const { signIn, error } = useHelloJohn();
  const [failure, setFailure] = useState("");
  const [isBusy, setBusy] = useState(false);
  const [isShown, setShown] = useState(false);
  const email = useRef(null);
  const password = useRef(null);

  const submit = async (event) => {
    event.preventDefault();
    if (isBusy) return;
    const remember = new FormData(event.currentTarget).has("remember");
    setBusy(true);
    setFailure("");
    try {
      await signIn({
        email: email.current.value.trim(),
        password: password.current.value,
        session_options: { duration: remember ? "30d" : "24h" },
      });
    } catch (problem) {
      setFailure(describeFailure(problem));
      setBusy(false);
      password.current.focus();
    }
  };
  const isWrong = failure === describeFailure({ code: "invalid_credentials" });

  return (
    <div className="entrance">
      <header className="top">
        <Brand />
        <span className="grow" />
        <ThemeChoice />
      </header>
      <main className="entrance-main">
        <div className="card">
          <h1>Sign in</h1>
          {error && <p className="lead">{describeEnd(error.code)}</p>}
          <form onSubmit={submit} aria-busy={isBusy}>
            <div className="field">
              <label htmlFor="email">Email</label>
              <input
                ref={email}
                id="email"
                name="email"
                type="email"
                autoComplete="username"
                aria-invalid={isWrong || undefined}
                aria-describedby={failure ? "failure" : undefined}
                required
              />
            </div>
            <div className="field">
              <label htmlFor="password">Password</label>
              <span className="with-button">
                <input
                  ref={password}
                  id="password"
                  name="password"
                  type={isShown ? "text" : "password"}
                  autoComplete="current-password"
                  aria-invalid={isWrong || undefined}
                  aria-describedby={failure ? "failure" : undefined}
                  required
                />
                <button
                  type="button"
                  className="quiet"
                  aria-label="Show the password"
                  aria-pressed={isShown}
                  onClick={() => setShown(!isShown)}
                >
                  {isShown ? "Hide" : "Show"}
                </button>
              </span>
            </div>
            <label className="check">
              <input type="checkbox" name="remember" defaultChecked />
              <span>
                Remember me on this device
                <span className="hint">
                  You stay signed in for 30 days. Without it, for 24 hours. Leave it off on a shared computer.
                </span>
              </span>
            </label>
            {failure && (
              <p className="problem" id="failure" role="alert">
                {failure}
              </p>
            )}
            <button type="submit" className="action" aria-disabled={isBusy} aria-busy={isBusy}>
              Sign in
            </button>
          </form>
        </div>
        <p className="foot">You can see and sign out your devices at any time.</p>
      </main>
    </div>
  );
}

import type { Session } from "./api";
import { nameDevice } from "./device";
import { Dialog } from "./dialog";
import { formatDate, formatRelative, nameCountry } from "./format";
import { Id, Point } from "./parts";
import { useDashboard } from "./state";

/** Asks before one session ends. */
export function EndOne({ session, close, done }: { session: Session; close(): void; done(): void }) {
  const { ask, toast } = useDashboard();
  const tokenEnds = Date.parse(session.access_expires_at);
  const run = async (actor: string) => {
    await ask(`v1/sessions/${session.id}`, { method: "DELETE", actor });
    toast("Session ended. The person has to sign in again.");
    done();
  };
  return (
    <Dialog
      title="End this session?"
      keep="Keep it"
      act="End session"
      isDanger
      hasActor
      run={run}
      close={close}
    >
      <p class="quiet">
        <strong>{nameDevice(session.user_agent)}</strong>, {nameCountry(session.country)}, of user{" "}
        <Id of={session.user_id} />. The person has to sign in again on this device.
      </p>
      <ul class="bullets">
        <Point icon="check">Refresh and store-backed checks refuse it from now on.</Point>
        <Point icon="clock">
          {tokenEnds > Date.now()
            ? `Services that check tokens locally accept the last access token until ${formatDate(tokenEnds)}, ${formatRelative(tokenEnds)}.`
            : "Its last access token has ended already."}
        </Point>
      </ul>
    </Dialog>
  );
}

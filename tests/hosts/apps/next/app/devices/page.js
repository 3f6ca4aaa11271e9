// A page of the server around components of the browser.
import { HelloJohnProvider, SessionManager } from "@hellojohn/react";
import "@hellojohn/react/styles.css";
import { SignIn } from "./sign_in.js";

export default function Page() {
  return (
    <HelloJohnProvider baseUrl="/api" cookie={false}>
      <SignIn />
      <SessionManager headingLevel={1} />
    </HelloJohnProvider>
  );
}

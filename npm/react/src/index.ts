export { HelloJohnError } from "@hellojohn/client";
export { type HelloJohn, HelloJohnProvider, type HelloJohnProviderProps, useHelloJohn } from "./provider.js";
export { SessionManager, type SessionManagerProps } from "./session_manager.js";
export { describeEnd, ENGLISH, type Texts } from "./texts.js";

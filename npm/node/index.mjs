// A thin door: one addon, one set of classes for both module systems.
import hellojohn from "./dist/index.js";

export const { HelloJohn, HelloJohnError, ManualClock } = hellojohn;

//! The kind of device that a session was started from.

use crate::model::user_agent;
use crate::word_enum::word_enum;

word_enum! {
    /// The kind of device a session was started from.
    ///
    /// ```
    /// use hellojohn::DeviceType;
    ///
    /// let phone = "Mozilla/5.0 (Android 14; Mobile; rv:133.0) Gecko/133.0 Firefox/133.0";
    /// assert_eq!(DeviceType::of_user_agent(phone), DeviceType::Mobile);
    /// assert_eq!(DeviceType::of_user_agent(phone).as_str(), "mobile");
    /// assert_eq!("tablet".parse(), Ok(DeviceType::Tablet));
    /// ```
    pub enum DeviceType as "device_type" default Unknown {
        /// A computer: Windows, macOS, Linux, ChromeOS.
        Desktop = "desktop",
        /// A telephone, or a native app that does not say otherwise.
        Mobile = "mobile",
        /// A tablet or an electronic reader.
        Tablet = "tablet",
        /// A client that no person looks at: crawler, link preview, monitor, command-line tool, HTTP library.
        Bot = "bot",
        /// Nothing known, or a device without a word of its own: television, set-top box, console, watch,
        /// headset, car.
        Unknown = "unknown",
    }
}

impl DeviceType {
    /// The type of device that a `User-Agent` header names; any text is accepted, and text that names none
    /// gives [`Unknown`](Self::Unknown).
    ///
    /// The answer is a description for people and lists, not proof: the client wrote the string. Where it
    /// leaves room, these readings hold:
    ///
    /// - Crawlers are [`Bot`](Self::Bot) even when they pose as a phone. So are automated clients:
    ///   command-line tools and HTTP libraries that give no more than their own name first (`curl/8.5.0`,
    ///   `python-requests/2.31.0`, `okhttp/4.9.0`, `Dart/3.3 (dart:io)`), although a phone app may stand
    ///   behind one of the last two. An app that wants to be seen as a phone names itself and its system:
    ///   `Shop/3.1 (Android 14; Pixel 8) okhttp/4.9.0`.
    /// - Android in a browser's string without `Mobile` is a tablet, as Google documents; Android in an app's
    ///   string (`Dalvik/2.1.0 …`) says nothing by that word and is a phone unless the model is a known
    ///   tablet.
    /// - An app's `CFNetwork/… Darwin/…` string is a phone unless it names a Mac or an Intel processor.
    /// - Televisions, set-top boxes, consoles, watches, headsets and cars are [`Unknown`](Self::Unknown).
    /// - Safari on an iPad, and Chrome on a large Android tablet, claim to be a computer and cannot be told
    ///   apart from one. Browsers that exist on handhelds only and claim to be a computer (Chrome for iOS,
    ///   Silk, Samsung Internet on Linux) are tablets.
    ///
    /// ```
    /// use hellojohn::DeviceType;
    ///
    /// assert_eq!(DeviceType::of_user_agent("curl/8.5.0"), DeviceType::Bot);
    /// assert_eq!(DeviceType::of_user_agent(""), DeviceType::Unknown);
    /// ```
    pub fn of_user_agent(user_agent: &str) -> Self {
        user_agent::classify(user_agent)
    }
}

//! The kind of device that a session was started from.

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

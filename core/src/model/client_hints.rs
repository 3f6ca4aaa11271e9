//! User-Agent Client Hints: what browsers say of their device in headers beside `User-Agent`
//! (<https://wicg.github.io/ua-client-hints/>).

use std::str::FromStr;

use crate::error::Error;
use crate::model::device_type::DeviceType;
use crate::schema::request_record;
use crate::text::{print_as_str, text_value};

/// The longest client hint that is read, in bytes.
const CLIENT_HINT_MAX: usize = 255;

/// The value of one `Sec-CH-UA-…` header as it was sent. Any text is accepted, because the client chose it; more than 255
/// bytes say nothing.
///
/// ```
/// let hint: hellojohn::ClientHint = "?1".parse()?;
/// assert_eq!(hint.as_str(), "?1");
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientHint(Box<str>);

impl ClientHint {
    /// The text as it was sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ClientHint {
    type Err = Error;

    /// # Errors
    /// None: a text that is too long is kept as an empty one.
    fn from_str(text: &str) -> Result<Self, Error> {
        Ok(ClientHint(if text.len() <= CLIENT_HINT_MAX { text.into() } else { Box::default() }))
    }
}

print_as_str!(ClientHint);
text_value!(ClientHint);

request_record! {
    /// What a browser says of its device in the headers of User-Agent Client Hints, each value as it was sent. The sign-in
    /// reads them to tell the kind of device where the user agent does not; they are not kept.
    ///
    /// Chromium's browsers send the first two to every site with HTTPS, the third to a site that asks for it with
    /// `Accept-CH: Sec-CH-UA-Form-Factors`.
    ///
    /// ```
    /// use hellojohn::{ClientHints, CreateSession};
    ///
    /// let hints = ClientHints::default().sec_ch_ua_mobile(Some("?1".parse()?));
    /// let request = CreateSession::new("usr_1".parse()?).hints(hints);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    #[derive(Debug, Clone, Default, PartialEq, Eq)]
    pub struct ClientHints {
        /// The `Sec-CH-UA-Mobile` header: `?1` or `?0`.
        pub sec_ch_ua_mobile: Option<ClientHint>,
        /// The `Sec-CH-UA-Platform` header, such as `"Android"`, quotes included.
        pub sec_ch_ua_platform: Option<ClientHint>,
        /// The `Sec-CH-UA-Form-Factors` header, such as `"Tablet"`, quotes included.
        pub sec_ch_ua_form_factors: Option<ClientHint>,
    }
}

impl ClientHints {
    /// The kind of device by these hints and by the user agent, if there is one.
    pub(crate) fn device_type(&self, by_user_agent: Option<DeviceType>) -> DeviceType {
        use DeviceType::{Bot, Desktop, Mobile, Tablet, Unknown};
        // A crawler's browser sends hints like any other.
        if by_user_agent == Some(Bot) {
            return Bot;
        }
        if let Some(device_type) = self.by_form_factors() {
            return device_type;
        }
        let is_mobile = self.sec_ch_ua_mobile.as_ref().and_then(|hint| match hint.as_str().trim() {
            "?1" => Some(true),
            "?0" => Some(false),
            _ => None,
        });
        let platform = self.sec_ch_ua_platform.as_ref().map_or("", |hint| unquoted(hint.as_str()));
        match (by_user_agent, platform, is_mobile) {
            (Some(Tablet), ..) => Tablet,
            (_, _, Some(true)) => Mobile,
            // A tablet that claims to be a computer, or an app's string that says Android only.
            (Some(Desktop | Mobile), "Android", Some(false)) => Tablet,
            // A user agent that is no phone, tablet or computer's may be a television's or a console's.
            (Some(by_user_agent), ..) => by_user_agent,
            (None, "Android", Some(false)) => Tablet,
            (None, "Android" | "iOS", None) => Mobile,
            (None, "Windows" | "macOS" | "Linux" | "Chrome OS" | "Chromium OS", _) => Desktop,
            (None, ..) => Unknown,
        }
    }

    /// The form factors are a list of quoted words (RFC 9651), of which a device may have several.
    fn by_form_factors(&self) -> Option<DeviceType> {
        let list = self.sec_ch_ua_form_factors.as_ref()?.as_str();
        let has = |words: &[&str]| list.split(',').any(|item| words.contains(&unquoted(item)));
        // What is worn or driven runs the apps of phones and says so besides.
        if has(&["Automotive", "XR", "Watch"]) {
            Some(DeviceType::Unknown)
        } else if has(&["Tablet", "EInk"]) {
            Some(DeviceType::Tablet)
        } else if has(&["Mobile"]) {
            Some(DeviceType::Mobile)
        } else if has(&["Desktop"]) {
            Some(DeviceType::Desktop)
        } else {
            None
        }
    }
}

/// The text of a quoted string of a header, without parameters.
fn unquoted(item: &str) -> &str {
    item.split(';').next().unwrap_or_default().trim().trim_matches('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_hints_tell_the_kind_of_device_where_the_user_agent_does_not() {
        const COMPUTER: &str =
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0";
        const PHONE: &str =
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/131.0.0.0 Mobile Safari/537.36";
        const TABLET: &str =
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/131.0.0.0 Safari/537.36";
        const CRAWLER: &str =
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html) Chrome/131.0.0.0";
        const CONSOLE: &str =
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64; Xbox; Xbox One) Chrome/131.0.0.0 Edg/131.0";
        const LIBRARY: &str = "okhttp/4.9.0";
        use DeviceType::{Bot, Desktop, Mobile, Tablet, Unknown};
        for (agent, mobile, platform, form_factors, expected) in [
            (COMPUTER, "?0", "\"Linux\"", "", Desktop),
            (COMPUTER, "?0", "\"Android\"", "", Tablet),
            (COMPUTER, "?1", "\"Android\"", "", Mobile),
            (COMPUTER, "?0", "\"Windows\"", "\"Tablet\"", Tablet),
            (COMPUTER, "?0", "", "\"Desktop\", \"XR\"", Unknown),
            (COMPUTER, "?0", "", "\"Desktop\"", Desktop),
            (COMPUTER, "1", "Android;", "\"\", tablet, \"\"\"", Desktop),
            (PHONE, "?1", "\"Android\"", "\"Mobile\"", Mobile),
            (PHONE, "?1", "\"Android\"", "\"Mobile\", \"EInk\"", Tablet),
            (PHONE, "?1", "\"Android\"", "\"Mobile\", \"Watch\"", Unknown),
            (PHONE, "?0", "\"Android\"", "", Tablet),
            (TABLET, "?0", "\"Android\"", "", Tablet),
            (TABLET, "?1", "\"Android\"", "", Tablet),
            (TABLET, "", "", "\"Automotive\"", Unknown),
            (CRAWLER, "?1", "\"Android\"", "\"Mobile\"", Bot),
            (CONSOLE, "?0", "\"Windows\"", "", Unknown),
            (LIBRARY, "", "", "", Unknown),
            (LIBRARY, "?1", "\"Android\"", "", Mobile),
            (LIBRARY, "", "", "\"Tablet\"", Tablet),
            ("", "?1", "", "", Mobile),
            ("", "?0", "\"Android\"", "", Tablet),
            ("", "", "\"Android\"", "", Mobile),
            ("", "", "\"iOS\"", "", Mobile),
            ("", " ?0 ", " \"macOS\" ", "", Desktop),
            ("", "?0", "\"Chrome OS\"", "", Desktop),
            ("", "?0", "\"Fuchsia\"", "", Unknown),
            ("", "", "", "\"Mobile\";q=1", Mobile),
            ("", "", "", "", Unknown),
        ] {
            let hint = |text: &str| (!text.is_empty()).then(|| text.parse().unwrap());
            let by_user_agent = (!agent.is_empty()).then(|| DeviceType::of_user_agent(agent));
            let hints = ClientHints {
                sec_ch_ua_mobile: hint(mobile),
                sec_ch_ua_platform: hint(platform),
                sec_ch_ua_form_factors: hint(form_factors),
            };
            assert_eq!(hints.device_type(by_user_agent), expected, "{agent} {hints:?}");
        }
    }

    #[test]
    fn a_long_client_hint_says_nothing() {
        let long: ClientHint = format!("{}\"Mobile\"", "\"Desktop\",".repeat(40)).parse().unwrap();
        assert_eq!(long.as_str(), "");
        let hints = ClientHints { sec_ch_ua_form_factors: Some(long), ..ClientHints::default() };
        assert_eq!(hints.device_type(None), DeviceType::Unknown);
    }
}

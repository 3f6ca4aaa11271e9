//! The words of user agent strings and what each says.

/// Clients without a person, known by the first product of the string. Elsewhere in a string the same words
/// name the library that an app is built on. Libraries that apps for phones are built on (axios, Dart, Ktor, OkHttp, RestSharp)
/// are not here: alone they may stand for a phone, a computer or a server.
pub(super) const TOOLS: &[&str] = &[
    "aiohttp",
    "amazon cloudfront",
    "ansible-httpget",
    "apache-httpclient",
    "apachebench",
    "aria2",
    "aws-cli",
    "aws-sdk",
    "boto3",
    "botocore",
    "bun",
    "cpp-httplib",
    "curl",
    "debian apt-http",
    "deno",
    "elb-healthchecker",
    "faraday",
    "git",
    "go-http-client",
    "go-resty",
    "googlehc",
    "got",
    "grpc",
    "guzzlehttp",
    "http.rb",
    "httpie",
    "insomnia",
    "jakarta commons-httpclient",
    "java",
    "k6",
    "kube-probe",
    "libcurl",
    "libwww-perl",
    "lwp",
    "microsoft bits",
    "node",
    "nodejs",
    "php",
    "postmanruntime",
    "prometheus",
    "python",
    "reqwest",
    "rest-client",
    "ruby",
    "symfony httpclient",
    "typhoeus",
    "undici",
    "unirest",
    "ureq",
    "vegeta",
    "webclient",
    "wget",
    "wordpress",
    "xh",
];

/// What one word of a user agent string says. The order of [`decide`](super::decide) gives each its weight.
#[derive(Clone, Copy)]
pub(super) enum Mark {
    Bot,
    /// "Bot" or "Spider" as a word of its own, which is also in the names of some Android phones.
    BareBot,
    Console,
    /// Television, set-top box, watch, headset, car.
    OtherScreen,
    IPad,
    IPhone,
    /// Windows Phone, Windows CE, Windows Mobile.
    PocketWindows,
    Windows,
    Mac,
    /// "Mac OS X" alone, which handhelds also say ("like Mac OS X").
    LooseMac,
    Darwin,
    /// A library through which apps on handhelds and computers speak, and crawlers do not.
    AppLibrary,
    /// The bare word `arm`: Windows RT, which ran on tablets only.
    Arm32,
    /// Processors of small boxes, without X11 no computer.
    BoxProcessor,
    Intel,
    /// Browsers that exist for iOS only.
    IosBrowser,
    SamsungBrowser,
    Tablet,
    /// A model name that means a tablet only beside Android.
    AndroidTablet,
    Mobile,
    Android,
    /// An address to read more at, or the word `compatible`: what a crawler says of itself, and some programs
    /// of people.
    SelfIntroduction,
    /// A computer that runs Android's apps and so says Android.
    Chromebook,
    /// The string follows the browsers' convention, where a missing `Mobile` means something.
    Browser,
    Desktop,
    Linux,
}

/// The mark of a lower-case word that speaks for itself.
pub(super) fn mark_of_word(word: &[u8]) -> Option<Mark> {
    Some(match word {
        // Crawlers and previews whose names do not end in "bot".
        b"archiver"
        | b"bingpreview"
        | b"censysinspect"
        | b"embedly"
        | b"externalagent"
        | b"externalfetcher"
        | b"facebookcatalog"
        | b"facebookexternalhit"
        | b"feedfetcher"
        | b"feedly"
        | b"googleimageproxy"
        | b"googleother"
        | b"heritrix"
        | b"httrack"
        | b"iframely"
        | b"imgproxy"
        | b"inspectiontool"
        | b"mediapartners"
        | b"nutch"
        | b"scraper"
        | b"scrapy"
        | b"skypeuripreview"
        | b"slurp"
        | b"validator"
        | b"vkshare" => Mark::Bot,
        // Monitors, scanners, driven browsers.
        b"datadogsynthetics"
        | b"gtmetrix"
        | b"headlesschrome"
        | b"jsdom"
        | b"lighthouse"
        | b"masscan"
        | b"newrelicsynthetics"
        | b"nikto"
        | b"nmap"
        | b"nuclei"
        | b"phantomjs"
        | b"pingdompagespeed"
        | b"pingdomtms"
        | b"playwright"
        | b"powershell"
        | b"puppeteer"
        | b"selenium"
        | b"site24x7"
        | b"sqlmap"
        | b"statuscake"
        | b"windowspowershell"
        | b"zgrab" => Mark::Bot,
        b"bot" | b"spider" => Mark::BareBot,
        b"nintendobrowser" => Mark::Console,
        b"androidtv" | b"appletv" | b"aquosbrowser" | b"bravia" | b"chromecast" | b"crkey" | b"dtv"
        | b"googletv" | b"hbbtv" | b"inettvbrowser" | b"kodi" | b"mibox" | b"mitv" | b"netcast"
        | b"nettv" | b"philipstv" | b"roku" | b"smartcast" | b"smarttv" | b"stb" | b"tivo" | b"tv"
        | b"tvos" | b"viera" | b"vidaa" | b"vizio" | b"web0s" | b"webtv" => Mark::OtherScreen,
        b"bdplayer" | b"brightsign" | b"oculusbrowser" | b"omi" | b"ouya" | b"qtcarbrowser"
        | b"smartwatch" | b"tdtv" | b"ticwatch" | b"visionos" | b"watch" | b"watchos" | b"wolvic"
        | b"xbmc" | b"zenwatch" => Mark::OtherScreen,
        // Models follow without a gap: `iPad13`, `iPhoneXS`.
        [b'i', b'p', b'a', b'd', ..] => Mark::IPad,
        [b'i', b'p', b'h', b'o', b'n', b'e', ..] | b"ipod" | b"ios" => Mark::IPhone,
        // The last three are Windows Phone asking for the desktop site.
        b"iemobile" | b"lumia" | b"wds" | b"wpdesktop" | b"xblwp7" | b"zunewp7" => Mark::PocketWindows,
        b"windows" | b"win95" | b"win98" | b"winnt" => Mark::Windows,
        b"imac" | b"macbook" | b"macbookair" | b"macbookpro" | b"macintosh" | b"macmini" | b"macos"
        | b"macpro" => Mark::Mac,
        b"mac" => Mark::LooseMac,
        b"cfnetwork" | b"darwin" => Mark::Darwin,
        b"arm" => Mark::Arm32,
        b"armv6l" | b"armv7l" | b"armv8l" | b"aarch64" | b"mips" | b"sh4" => Mark::BoxProcessor,
        b"i386" | b"x86" => Mark::Intel,
        b"crios" | b"edgios" | b"fxios" | b"opios" => Mark::IosBrowser,
        b"samsungbrowser" => Mark::SamsungBrowser,
        b"kindle" | b"kobo" | b"nook" | b"playbook" | b"pocketbook" | b"silk" | b"tablet" | b"touchpad"
        | b"xoom" => Mark::Tablet,
        // "apad" is said by Yandex's browsers on tablets.
        b"apad" | b"ideatab" | b"matepad" | b"mediapad" | b"mipad" | b"pad" | b"tab" | b"tb" => {
            Mark::AndroidTablet
        }
        // Huawei's tablets without a telephone: AGS2-W09, BAH3-W59.
        b"w09" | b"w19" | b"w29" | b"w39" | b"w59" => Mark::AndroidTablet,
        b"bb10" | b"blackberry" | b"brew" | b"cldc" | b"docomo" | b"fbav" | b"fban" | b"j2me" | b"kaios"
        | b"kddi" | b"maui" | b"mobilesafari" | b"midp" | b"mobi" | b"mobile" | b"palmos" | b"phone"
        | b"series60" | b"softbank" | b"symbian" | b"symbianos" | b"ucweb" | b"wap" | b"webos"
        | b"willcom" => Mark::Mobile,
        b"android" => Mark::Android,
        b"chromebook" | b"pixelbook" => Mark::Chromebook,
        b"compatible" => Mark::SelfIntroduction,
        b"mozilla" | b"opera" => Mark::Browser,
        b"amigaos" | b"beos" | b"cros" | b"elinks" | b"freebsd" | b"haiku" | b"lynx" | b"netbsd"
        | b"openbsd" | b"sunos" | b"w3m" | b"x11" => Mark::Desktop,
        b"linux" => Mark::Linux,
        b"alamofire" | b"dalvik" | b"dart" | b"okhttp" => Mark::AppLibrary,
        _ => return None,
    })
}

/// The mark of two lower-case words in a row.
pub(super) fn mark_of_pair(first: &[u8], second: &[u8]) -> Option<Mark> {
    Some(match (first, second) {
        // Assistants that fetch a page on a person's behalf.
        (b"chatgpt" | b"claude" | b"mistralai" | b"perplexity", b"user") => Mark::Bot,
        (b"anthropic" | b"cohere", b"ai") | (b"claude", b"web") => Mark::Bot,
        (b"google", b"favicon") | (b"read", b"aloud") | (b"url" | b"web", b"preview") => Mark::Bot,
        (b"uptime", b"kuma") => Mark::Bot,
        (b"windows", b"phone" | b"ce" | b"mobile") => Mark::PocketWindows,
        (b"opera", b"mini") | (b"up", b"browser") => Mark::Mobile,
        (b"pc" | b"2in1", b"openharmony") => Mark::Desktop,
        (b"nexus", b"7" | b"9" | b"10") | (b"pixel", b"c") => Mark::AndroidTablet,
        // Samsung: SM-T, SM-X and SM-P are tablets, SM-R watches; GT-P and two of GT-N are the first tablets.
        (b"sm", [b't' | b'x' | b'p', b'0'..=b'9', ..]) => Mark::AndroidTablet,
        (b"sm", [b'r', b'0'..=b'9', ..]) => Mark::OtherScreen,
        (b"gt", [b'p', b'0'..=b'9', ..] | [b'n', b'5' | b'8', ..]) => Mark::AndroidTablet,
        // Lenovo: TB125FU. The older TB-X306F is the word `tb`.
        (_, [b't', b'b', b'0'..=b'9', ..]) => Mark::AndroidTablet,
        _ => return None,
    })
}

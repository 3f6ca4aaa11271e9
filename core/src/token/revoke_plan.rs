//! The tag of plans to end many sessions: an HMAC under the tenant's refresh key that binds a plan to its filter. A client
//! cannot make one, nor use it with another filter.

use hmac::Mac;
use subtle::ConstantTimeEq;

use super::refresh_token::RefreshKey;
use crate::model::revoke_plan::{PLAN_TAG_BYTES, PlannedRevoke, RevokePlan};

/// Sets the tags of plans apart from other uses of the refresh key.
const PLAN_DOMAIN: &[u8] = b"hellojohn revoke plan v1\0\0\0";

impl RefreshKey {
    /// Makes the plan of what was found for this filter.
    pub(crate) fn mint_plan(&self, filter: &str, found: PlannedRevoke) -> RevokePlan {
        RevokePlan { found, tag: self.plan_tag(filter, found) }
    }

    /// Whether this key made the plan for this filter, in constant time.
    pub(crate) fn verify_plan(&self, plan: &RevokePlan, filter: &str) -> bool {
        self.plan_tag(filter, plan.found).ct_eq(&plan.tag).into()
    }

    fn plan_tag(&self, filter: &str, found: PlannedRevoke) -> [u8; PLAN_TAG_BYTES] {
        let mut mac = self.start_tag(PLAN_DOMAIN);
        mac.update(&found.to_bytes());
        mac.update(filter.as_bytes());
        let whole: [u8; 32] = mac.finalize().into_bytes().into();
        let mut tag = [0; PLAN_TAG_BYTES];
        tag.copy_from_slice(&whole[..PLAN_TAG_BYTES]);
        tag
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::model::id::SessionId;
    use zeroize::Zeroizing;

    #[test]
    fn a_plan_is_good_for_its_key_filter_and_findings_only() {
        let key = |byte| RefreshKey::new(&Zeroizing::new([byte; 32]));
        let found = PlannedRevoke {
            at: Timestamp::from_millis(1),
            epoch: 2,
            newest: SessionId::from_bytes([3; 16]),
            count: 4,
        };
        let plan: RevokePlan = key(1).mint_plan("{}", found).to_string().parse().unwrap();
        assert_eq!(plan.found, found);
        assert!(key(1).verify_plan(&plan, "{}"));
        assert!(!key(2).verify_plan(&plan, "{}"));
        assert!(!key(1).verify_plan(&plan, "{ }"));
        for other in [
            PlannedRevoke { at: Timestamp::from_millis(2), ..found },
            PlannedRevoke { epoch: 3, ..found },
            PlannedRevoke { newest: SessionId::from_bytes([4; 16]), ..found },
            PlannedRevoke { count: 5, ..found },
        ] {
            assert!(!key(1).verify_plan(&RevokePlan { found: other, tag: plan.tag }, "{}"));
        }
        for text in ["", "x", "AAAA", &format!("{plan}A"), &plan.to_string()[1..]] {
            assert!(text.parse::<RevokePlan>().is_err(), "{text}");
        }
    }
}

use super::*;
use hw::change::Change;
use proptest::prelude::*;

const BASE32: &str = "GEZDGNBVGY3TQOJQ";

fn account(wishes: &Wishes, text: &str) -> Result<NewAccount, AccountFault> {
    wishes.account(&SecretString::from(text))
}

fn named(id: &str) -> Wishes {
    Wishes { id: Some(id.to_owned()), ..Wishes::default() }
}

/// Returns the id that a URI's label and parameters result in.
fn id(uri: &str) -> String {
    let account = account(&Wishes::default(), uri).unwrap_or_else(|fault| panic!("{uri}: {fault:?}"));
    account.id.to_string()
}

#[test]
fn an_id_is_made_from_a_uri_as_by_the_vendors_client() {
    let cases = [
        (
            "totp/Amazon%20Web%20Services:alice@acme?secret=S&issuer=Amazon%20Web%20Services",
            "Amazon Web Services:alice@acme",
        ),
        ("totp/alice@acme?issuer=Amazon+Web+Services&secret=S", "Amazon Web Services:alice@acme"),
        ("totp/AWS:a+b,c=d@acme?secret=S", "AWS:a+b,c=d@acme"),
        ("TOTP/alice?secret=S", "alice"),
        ("totp/A%3A%20b?secret=S", "A:b"),
        ("totp/A:b:c?secret=S", "A:b:c"),
        ("totp/Old:b?secret=S&issuer=New", "New:b"),
        ("totp/Z%C3%B6e?secret=S#fragment", "Zöe"),
        ("totp/Acme:a?secret=S&period=60", "60/Acme:a"),
        ("totp/Acme:a?secret=S&period=30", "Acme:a"),
        ("hotp/Acme:a?secret=S&period=60&counter=1", "Acme:a"),
        ("totp/123456789012/alice?secret=S", "123456789012/alice"),
    ];
    for (uri, expected) in cases {
        assert_eq!(id(&format!("otpauth://{}", uri.replace("=S", &format!("={BASE32}")))), expected, "{uri}");
    }
}

#[test]
fn a_uri_sets_the_kind_of_codes_and_the_person_overrides_it() {
    let uri = format!("OTPAUTH://hotp/a?secret={BASE32}&algorithm=SHA512&digits=8&counter=7&image=x");
    let made = account(&Wishes::default(), &uri).unwrap();
    assert_eq!((made.kind, made.algorithm, made.digits, made.counter), (OathType::Hotp, Algorithm::Sha512, 8, 7));
    let wishes = Wishes { digits: Some(7), algorithm: Some(Algorithm::Sha256), touch: true, ..named("mine") };
    let made = account(&wishes, &uri).unwrap();
    assert_eq!((made.algorithm, made.digits, made.touch), (Algorithm::Sha256, 7, true));
    assert_eq!(made.id.as_bytes(), b"mine");
}

#[test]
fn reports_faults_without_showing_the_secret() {
    let part = |uri: &str| match account(&Wishes::default(), &uri.replace("=S", &format!("={BASE32}"))) {
        Err(AccountFault::Issued(OtpauthError::Uri(fault))) => fault.to_string(),
        other => panic!("{uri}: {:?}", other.err()),
    };
    assert_eq!(part("otpauth://totp/a"), "no secret");
    assert_eq!(part("otpauth://totp/a?secret"), "no secret");
    assert_eq!(part("otpauth://totp/a?secret=0189"), "a secret that is not base32");
    assert_eq!(part("otpauth://motp/a?secret=S"), "a type that is neither totp nor hotp");
    assert_eq!(part("otpauth://totp/a?secret=S&digits=9"), "digits other than 6 to 8");
    assert_eq!(part("otpauth://totp/a?secret=S&period=0"), "a period other than 1 to 3600 seconds");
    assert_eq!(part("otpauth://totp/a?secret=S&algorithm=MD5"), "an unknown algorithm");
    assert_eq!(part("otpauth://totp/%ff?secret=S"), "a label that is not valid text");
    assert_eq!(part("otpauth://totp/%4?secret=S"), "a label that is not valid text");
    for text in ["", "1", "not base32!", "AA", "https://example.com/"] {
        assert_eq!(account(&named("a"), text).err(), Some(AccountFault::Issued(OtpauthError::NotASecret)), "{text}");
    }
    assert_eq!(account(&Wishes::default(), BASE32).err(), Some(AccountFault::NoId));
    assert_eq!(
        account(&Wishes::default(), &format!("otpauth://totp/?secret={BASE32}")).err(),
        Some(AccountFault::NoId)
    );
    let controls = format!("otpauth://totp/a%1B[2J?secret={BASE32}");
    assert_eq!(account(&Wishes::default(), &controls).err(), Some(AccountFault::IdControls));
}

#[test]
fn a_period_other_than_30_seconds_is_part_of_the_id() {
    let with =
        |id: &str, period| account(&Wishes { period, ..named(id) }, BASE32).map(|account| account.id.to_string());
    assert_eq!(with("a", None).as_deref(), Ok("a"));
    assert_eq!(with("60/a", None).as_deref(), Ok("60/a"));
    assert_eq!(with("a", Some(60)).as_deref(), Ok("60/a"));
    assert_eq!(with("60/a", Some(60)).as_deref(), Ok("60/a"));
    assert_eq!(with("a", Some(30)).as_deref(), Ok("a"));
    assert!(matches!(with("60/a", Some(45)), Err(AccountFault::IdPeriod { read: 60, period: 45, .. })));
    assert!(matches!(with("60/a", Some(30)), Err(AccountFault::IdPeriod { read: 60, period: 30, .. })));
    assert_eq!(with("a", Some(0)), Err(AccountFault::Period));
    assert_eq!(with("a", Some(3601)), Err(AccountFault::Period));
    let uri = format!("otpauth://totp/60/a?secret={BASE32}");
    assert!(matches!(account(&Wishes::default(), &uri).err(), Some(AccountFault::IdPeriod { .. })));
    assert_eq!(account(&Wishes { digits: Some(5), ..named("a") }, BASE32).err(), Some(AccountFault::Digits));
}

#[test]
fn renaming_keeps_the_period() {
    let new = |old, new| match renamed(old, new).map(|(old, new)| Change::Rename { old, new }) {
        Ok(Change::Rename { new, .. }) => Ok(new.to_string()),
        Ok(_) => panic!("it is no renaming"),
        Err(fault) => Err(fault),
    };
    assert_eq!(new("a", "b").as_deref(), Ok("b"));
    assert_eq!(new("60/a", "b").as_deref(), Ok("60/b"));
    assert_eq!(new("60/a", "60/b").as_deref(), Ok("60/b"));
    assert!(matches!(new("60/a", "45/b"), Err(AccountFault::IdPeriod { .. })));
    assert!(matches!(new("a", "45/b"), Err(AccountFault::IdPeriod { .. })));
    assert_eq!(new("a", ""), Err(AccountFault::NoId));
}

#[test]
fn finds_the_account_for_a_mistyped_id() {
    let ids = |texts: &[&str]| texts.iter().map(|text| AccountId::from_bytes(text.as_bytes())).collect::<Vec<_>>();
    let present = ids(&["Amazon Web Services:alice@example", "GitHub:alice"]);
    let meant = |id: &str| meant(&AccountId::from_bytes(id.as_bytes()), &present).map(|id| id.to_string());
    assert_eq!(meant("amazon web services:alice@example").as_deref(), Some("Amazon Web Services:alice@example"));
    assert_eq!(meant("Amazon Web Service:alice@exmple").as_deref(), Some("Amazon Web Services:alice@example"));
    assert_eq!(meant("alice@example").as_deref(), Some("Amazon Web Services:alice@example"));
    assert_eq!(meant("Gitub:alice").as_deref(), Some("GitHub:alice"));
    assert_eq!(meant("something else"), None);
}

#[test]
fn finds_the_mfa_device_of_an_account() {
    let of = |id: &str| mfa_device(&AccountId::from_bytes(id.as_bytes()));
    assert_eq!(of("AWS:alice@123456789012").as_deref(), Some("arn:aws:iam::123456789012:mfa/alice"));
    assert_eq!(of("AWS:a@b@acme").as_deref(), Some("arn:aws:iam::ACCOUNT:mfa/a@b"));
    assert_eq!(of("aws:arn:aws-cn:iam::1:mfa/x").as_deref(), Some("arn:aws-cn:iam::1:mfa/x"));
    assert_eq!(of("Amazon Web Services:root-account-mfa-device@acme"), None);
    for other in ["AWS:$(reboot)@acme", "AWS:a;b@123456789012", "AWS:`a`", "x arn:aws:iam::1:mfa/a|sh", "AWS:a b"] {
        assert_eq!(of(other), None, "{other}");
    }
}

proptest! {
    #[test]
    fn parsing_any_text_does_not_panic(text in "\\PC{0,80}|otpauth://[th]otp/\\PC{0,60}") {
        if let Ok(account) = account(&Wishes::default(), &text) {
            prop_assert!(!account.id.as_bytes().is_empty());
        }
    }
}

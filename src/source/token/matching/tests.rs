//! Tests of matching: which account is found for which MFA device.

use super::*;

const ARN: &str = "arn:aws:iam::123456789012:mfa/alice";
const LONG: &str = "arn:aws:iam::123456789012:mfa/division/department/alice.longname@example.com";

fn account(id: &str) -> Account {
    Account {
        id: AccountId::from_bytes(id.as_bytes()),
        kind: OathType::Totp,
        algorithm: None,
        digits: None,
        touch: None,
    }
}

/// Returns the id that is found among `ids`, or the ids that match equally well (empty if none matches).
fn found(ids: &[&str], wanted: WantedAccount<'_>) -> Result<String, Vec<String>> {
    let accounts: Vec<_> = ids.iter().map(|id| account(id)).collect();
    match find(&accounts, &wanted) {
        Ok(found) => Ok(found.account.id.to_string()),
        Err(MatchError::Several { matching }) => Err(matching.iter().map(AccountId::to_string).collect()),
        Err(MatchError::NoMatch { .. }) => Err(vec![]),
        Err(other) => panic!("{other}"),
    }
}

fn serial(mfa_serial: &str) -> WantedAccount<'_> {
    WantedAccount { mfa_serial: Some(mfa_serial), ..WantedAccount::default() }
}

#[test]
fn the_most_telling_ground_wins() {
    // Each id is found although all weaker matches after it are present, too.
    let ranked = [ARN, "Amazon Web Services:alice@123456789012", "AWS:alice", "alice-laptop", "Work:123456789012"];
    for at in 0..ranked.len() {
        assert_eq!(found(&ranked[at..], serial(ARN)).unwrap(), ranked[at]);
    }
    let beside = ["Amazon Web Services:bob@123456789012", "GitHub:bob"];
    for id in ranked {
        assert_eq!(found(&[beside[1], id], serial(ARN)).unwrap(), id);
    }
    assert_eq!(found(&beside[1..], serial(ARN)), Err(vec![]));
}

#[test]
fn an_arn_is_found_in_all_its_forms() {
    for id in [ARN, &format!("aws:{ARN}"), &format!("AWS:{ARN}")] {
        assert_eq!(found(&["AWS:alice", id], serial(ARN)).unwrap(), *id);
    }
    let prefixed = format!("aws:{LONG}");
    for id in
        [&LONG[..64], &prefixed[..64], &LONG[LONG.len() - 64..], "mfa/division/department/alice.longname@example.com"]
    {
        assert_eq!(found(&["AWS:alice", id], serial(LONG)).unwrap(), id);
    }
    for id in [&LONG[..63], "department/alice.longname@example.com", "alice.longname@example.co"] {
        let accounts = [account(id)];
        assert!(!Facts::of(&serial(LONG)).is_arn(&accounts[0].id), "{id}");
    }
    assert!(!Facts::of(&serial(ARN)).is_arn(&account("mfa/alice").id), "a short ARN is stored whole");
}

#[test]
fn aws_as_issuer_matches_user_or_device_at_an_account() {
    let wanted = WantedAccount {
        user: Some("Alice"),
        account_alias: Some("acme"),
        ..serial("arn:aws-cn:iam::123456789012:mfa/ops/phone")
    };
    for id in
        ["Amazon Web Services:alice@acme", "amazon:ALICE@123456789012", "AWS:phone@acme", "30/aws:phone@123456789012"]
    {
        assert_eq!(found(&["AWS:phone", "AWS:alice@elsewhere", id], wanted).unwrap(), id);
    }
    for id in ["Amazon Web Services:alice@unknown-alias", "AWS:phone", "Amazon:alice"] {
        assert_eq!(found(&["AWS:bob", id], wanted).unwrap(), id);
    }
    let at = WantedAccount { user: Some("alice@example.com"), ..WantedAccount::default() };
    assert_eq!(
        found(&["AWS:alice@example.com@acme", "AWS:alice@other.org"], at).unwrap(),
        "AWS:alice@example.com@acme"
    );
}

#[test]
fn never_guesses_between_two_matches() {
    let two = ["Amazon Web Services:alice@prod", "Amazon Web Services:alice@dev"];
    assert_eq!(found(&two, serial(ARN)), Err(two.map(str::to_owned).to_vec()));
    let prod = WantedAccount { account_alias: Some("prod"), ..serial(ARN) };
    assert_eq!(found(&two, prod).unwrap(), two[0]);
    let words = ["x-alice", "ALICE-y"];
    assert_eq!(found(&words, serial(ARN)), Err(words.map(str::to_owned).to_vec()));
    assert_eq!(found(&["AWS:alice", "AWS:alice"], serial(ARN)).unwrap(), "AWS:alice", "one id twice is one");
}

#[test]
fn another_account_number_rules_an_account_out() {
    let other = "Amazon Web Services:alice@999999999999";
    assert_eq!(found(&[other], serial(ARN)), Err(vec![]));
    assert_eq!(found(&[other, "AWS:alice@unknown"], serial(ARN)).unwrap(), "AWS:alice@unknown");
    let no_arn =
        WantedAccount { user: Some("alice"), account_number: Some("123456789012"), ..WantedAccount::default() };
    assert_eq!(found(&[other, "AWS:alice@123456789012"], no_arn).unwrap(), "AWS:alice@123456789012");
    assert_eq!(found(&[other], WantedAccount { user: Some("alice"), ..WantedAccount::default() }).unwrap(), other);
}

#[test]
fn the_most_telling_word_wins() {
    let wanted = WantedAccount { account_alias: Some("acme"), profile: Some("work"), ..serial(ARN) };
    let ranked = ["my-ALICE", "AWS:Acme", "root 123456789012", "hic-aws-work"];
    for at in 0..ranked.len() {
        assert_eq!(found(&ranked[at..], wanted).unwrap(), ranked[at]);
    }
    assert_eq!(found(&["coal"], serial("arn:aws:iam::123456789012:mfa/al")), Err(vec![]), "too short a word");
    assert_eq!(found(&["anything"], WantedAccount::default()), Err(vec![]), "nothing is known");
    assert_eq!(found(&["anything"], serial("")), Err(vec![]));
    assert_eq!(
        found(&["AWS:GAHT12345678"], serial("GAHT12345678")),
        Err(vec![]),
        "a hardware MFA device has no account"
    );
}

#[test]
fn hotp_hidden_and_steam_accounts_take_no_part_unless_named() {
    let mut accounts = vec![account("_hidden:alice"), account("Steam:alice"), account("AWS:alice")];
    accounts[2].kind = OathType::Hotp;
    assert_eq!(find(&accounts, &serial(ARN)), Err(MatchError::NoMatch { present: vec![] }));
    let named = |id: &'static str| find(&accounts, &WantedAccount { id: Some(id.as_bytes()), ..serial(ARN) });
    assert_eq!(named("_hidden:alice").unwrap().account.id, accounts[0].id);
    assert_eq!(named("AWS:alice"), Err(MatchError::NotByTime { id: accounts[2].id.clone() }));
    let present = vec![accounts[1].id.clone(), accounts[2].id.clone()];
    assert_eq!(named("aws:alice"), Err(MatchError::NoSuchId { id: account("aws:alice").id, present }), "byte for byte");
}

#[test]
fn a_user_of_the_same_name_at_another_issuer_does_not_match() {
    let wanted = WantedAccount { profile: Some("dev"), account_alias: Some("acme"), ..serial(ARN) };
    for id in ["GitHub:alice", "Dev.to:bob", "GitHub:alice@acme"] {
        assert_eq!(found(&[id], wanted), Err(vec![]), "{id}");
    }
    for id in ["alice", "dev", "hic-aws:alice", "acme:alice", "Dev:alice", "Work:123456789012"] {
        assert_eq!(found(&["GitHub:alice", id], wanted).unwrap(), id);
    }
}

#[test]
fn another_user_of_the_same_aws_account_does_not_match() {
    for id in ["Amazon Web Services:bob@123456789012", "AWS:bob@alias"] {
        assert_eq!(found(&[id], serial(ARN)), Err(vec![]), "{id}");
    }
    assert_eq!(found(&["AWS:my-alice@alias"], serial(ARN)).unwrap(), "AWS:my-alice@alias");
}

#[test]
fn a_match_on_a_word_is_a_guess() {
    let is_guess = |id: &str, wanted: &WantedAccount<'_>| find(&[account(id)], wanted).unwrap().is_guess;
    assert!(is_guess("my-alice", &serial(ARN)));
    for id in [ARN, "AWS:alice", "AWS:alice@123456789012"] {
        assert!(!is_guess(id, &serial(ARN)), "{id}");
    }
    assert!(!is_guess("my-alice", &WantedAccount { id: Some(b"my-alice"), ..serial(ARN) }));
}

//! Tests of authentication: a correctly signed request passes, and changing any signed part makes it fail.

use super::*;
use crate::inventory::AccessKeyPair;

const NOW: UnixSeconds = 1_440_938_160;
const DATE: &str = "20150830T123600Z";
const ID: &str = "AKIDEXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

fn inventory() -> Inventory {
    let mut inventory = Inventory::default();
    let alice = inventory.add_person("123456789012", "/", Some("alice"));
    inventory.add_key(&alice, &AccessKeyPair { access_key_id: ID.to_owned(), secret_access_key: SECRET.to_owned() });
    inventory
}

/// The parameters of a signature.
struct TestSigner<'a> {
    id: &'a str,
    secret: &'a str,
    date: &'a str,
    region: &'a str,
    service: &'a str,
    token: Option<&'a str>,
    rule: PathRule,
}

const ALICE: TestSigner<'_> = TestSigner {
    id: ID,
    secret: SECRET,
    date: DATE,
    region: "us-east-1",
    service: "sts",
    token: None,
    rule: PathRule::NormalizedAndEncodedTwice,
};

impl TestSigner<'_> {
    fn post(&self, body: &str) -> HttpRequest {
        self.sign("POST", "/", "a=1&b=2", body, &[("host", "sts.amazonaws.com"), ("content-type", "text/plain")])
    }

    fn sign(&self, method: &str, path: &str, query: &str, body: &str, headers: &[(&str, &str)]) -> HttpRequest {
        let mut all: Vec<(String, String)> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        all.push(("x-amz-date".to_owned(), self.date.to_owned()));
        all.extend(self.token.map(|token| ("x-amz-security-token".to_owned(), token.to_owned())));
        let (method, path, query) = (method.to_owned(), path.to_owned(), query.to_owned());
        let mut request =
            HttpRequest { method, path, query, headers: all, body: body.as_bytes().to_vec(), keep_alive: true };
        let mut names: Vec<String> = request.headers.iter().map(|(name, _)| name.clone()).collect();
        names.sort();
        let hash = request.header("x-amz-content-sha256").map(str::to_owned);
        let hash = hash.unwrap_or_else(|| sigv4::sha256_hex(&request.body));
        let scope = CredentialScope {
            date: self.date[..8].to_owned(),
            region: self.region.to_owned(),
            service: self.service.to_owned(),
        };
        let canonical = sigv4::canonical_request(&request, &names, &hash, self.rule);
        let key = sigv4::signing_key(self.secret, &scope);
        let signature = sigv4::sign(&key, &sigv4::string_to_sign(self.date, &scope, &canonical));
        let header = format!(
            "AWS4-HMAC-SHA256 Credential={}/{}/{}/{}/aws4_request, SignedHeaders={}, Signature={signature}",
            self.id,
            scope.date,
            self.region,
            self.service,
            names.join(";")
        );
        request.headers.push(("authorization".to_owned(), header));
        request
    }
}

fn sts(request: &HttpRequest) -> Result<SignedCaller, SignatureFault> {
    authorize(request, Service::Sts, &inventory(), NOW)
}

fn set(request: &mut HttpRequest, name: &str, value: &str) {
    for header in request.headers.iter_mut().filter(|(have, _)| have == name) {
        header.1 = value.to_owned();
    }
}

fn replace(request: &mut HttpRequest, from: &str, to: &str) {
    let header = request.header("authorization").map(|value| value.replace(from, to)).unwrap_or_default();
    set(request, "authorization", &header);
}

#[test]
fn a_valid_signature_is_accepted() {
    let caller = sts(&ALICE.post("x=1"));
    assert!(caller.is_ok_and(|caller| caller.session.is_none()));
}

#[test]
fn changing_any_signed_part_invalidates_the_signature() {
    type Tampering = (&'static str, fn(&mut HttpRequest));
    let tampered: [Tampering; 9] = [
        ("method", |request| request.method = "GET".to_owned()),
        ("path", |request| request.path = "/x".to_owned()),
        ("query", |request| request.query = "a=1&b=3".to_owned()),
        ("more query", |request| request.query.push_str("&c=1")),
        ("body", |request| request.body.push(b'x')),
        ("host", |request| set(request, "host", "sts.example.com")),
        ("content-type", |request| set(request, "content-type", "text/html")),
        ("date", |request| set(request, "x-amz-date", "20150830T123601Z")),
        ("region", |request| replace(request, "us-east-1", "us-east-2")),
    ];
    for (part, tamper) in tampered {
        let mut request = ALICE.post("x=1");
        tamper(&mut request);
        assert_eq!(sts(&request).err(), Some(SignatureFault::NotMatching), "{part}");
    }
}

#[test]
fn a_malformed_authorization_header_is_refused() {
    let mut fewer = ALICE.post("x=1");
    replace(&mut fewer, "content-type;", "");
    assert_eq!(sts(&fewer).err(), Some(SignatureFault::NotMatching));
    let mut hostless = ALICE.post("x=1");
    replace(&mut hostless, "host;", "");
    assert_eq!(sts(&hostless).err(), Some(SignatureFault::Unsigned("host".to_owned())));
    let mut unsigned = ALICE.post("x=1");
    unsigned.headers.retain(|(name, _)| name != "authorization");
    assert_eq!(sts(&unsigned).err(), Some(SignatureFault::Missing));
    for part in ["Credential=", "SignedHeaders=", "Signature=", "aws4_request", "/20150830/"] {
        let mut request = ALICE.post("x=1");
        replace(&mut request, part, "x");
        assert!(matches!(sts(&request), Err(SignatureFault::Incomplete(_))), "{part}");
    }
    for date in ["", "yesterday", "2015-08-30T12:36:00Z"] {
        let mut request = ALICE.post("x=1");
        set(&mut request, "x-amz-date", date);
        assert!(matches!(sts(&request), Err(SignatureFault::Incomplete(_))), "{date}");
    }
    let mut other_day = ALICE.post("x=1");
    replace(&mut other_day, "20150830", "20150831");
    assert!(matches!(sts(&other_day), Err(SignatureFault::WrongScope { part: "date", .. })));
}

#[test]
fn unknown_inactive_and_wrong_keys_are_refused() {
    assert_eq!(sts(&TestSigner { id: "AKIAELSE", ..ALICE }.post("")).err(), Some(SignatureFault::UnknownKey));
    assert_eq!(sts(&TestSigner { secret: "wrong", ..ALICE }.post("")).err(), Some(SignatureFault::NotMatching));
    assert_eq!(sts(&TestSigner { region: "cn-north-1", ..ALICE }.post("")).err(), Some(SignatureFault::UnknownKey));
    let iam = sts(&TestSigner { service: "iam", ..ALICE }.post("")).err();
    assert!(matches!(iam, Some(SignatureFault::WrongScope { part: "service", .. })));
    let mut inventory = inventory();
    inventory.keys.get_mut(ID).unwrap().active = false;
    assert_eq!(authorize(&ALICE.post(""), Service::Sts, &inventory, NOW).err(), Some(SignatureFault::UnknownKey));
}

#[test]
fn signatures_are_valid_five_minutes_before_and_after() {
    let inventory = inventory();
    let at = |now| authorize(&ALICE.post(""), Service::Sts, &inventory, now).err();
    assert_eq!(at(NOW + 300), None);
    assert_eq!(at(NOW - 300), None);
    let words = |fault: Option<SignatureFault>| fault.map(|fault| fault.in_query_words().message).unwrap_or_default();
    assert_eq!(
        words(at(NOW + 600)),
        "Signature expired: 20150830T123600Z is now earlier than 20150830T124100Z (20150830T124600Z - 5 min.)"
    );
    assert_eq!(
        words(at(NOW - 301)),
        "Signature not yet current: 20150830T123600Z is still later than 20150830T123559Z (20150830T123059Z + 5 min.)"
    );
}

#[test]
fn sessions_need_their_token_and_expire() {
    let mut inventory = inventory();
    let session = inventory.add_session(0, SessionKind::User { mfa: true }, NOW + 900);
    let signer = TestSigner { id: &session.access_key_id, secret: &session.secret_access_key, ..ALICE };
    let with = |token| TestSigner { token, ..signer }.post("");
    let at = |request: &HttpRequest, now| authorize(request, Service::Sts, &inventory, now);
    assert!(at(&with(Some(&session.session_token)), NOW).is_ok_and(|caller| caller.has_mfa()));
    assert_eq!(at(&with(None), NOW).err(), Some(SignatureFault::WrongToken));
    assert_eq!(at(&with(Some("other")), NOW).err(), Some(SignatureFault::WrongToken));
    assert_eq!(at(&ALICE.post(""), NOW).err(), None);
    let token_for_a_key = TestSigner { token: Some(&session.session_token), ..ALICE }.post("");
    assert_eq!(at(&token_for_a_key, NOW).err(), Some(SignatureFault::WrongToken));
    inventory.sessions.get_mut(&session.access_key_id).unwrap().expires = NOW;
    assert_eq!(
        authorize(&with(Some(&session.session_token)), Service::Sts, &inventory, NOW).err(),
        Some(SignatureFault::Expired)
    );
}

#[test]
fn s3_signs_paths_payloads_and_times_by_its_own_rules() {
    let signer = TestSigner { service: "s3", rule: PathRule::EncodedOnce, ..ALICE };
    let empty = sigv4::sha256_hex(b"");
    let get = |hash: &str, body: &str| {
        signer.sign("GET", "/a%20b/../c", "", body, &[("host", "h"), ("x-amz-content-sha256", hash)])
    };
    let s3 = |request: &HttpRequest, now| authorize(request, Service::S3, &inventory(), now).err();
    assert_eq!(s3(&get(&empty, ""), NOW), None);
    assert_eq!(s3(&get("UNSIGNED-PAYLOAD", "anything"), NOW), None);
    assert_eq!(s3(&get(&empty, "something"), NOW), Some(SignatureFault::PayloadHash));
    assert_eq!(s3(&signer.sign("GET", "/", "", "", &[("host", "h")]), NOW), Some(SignatureFault::PayloadHash));
    assert_eq!(s3(&get(&empty, ""), NOW + 900), None);
    assert!(matches!(s3(&get(&empty, ""), NOW + 901), Some(SignatureFault::Old { limit: 900, .. })));
    let mut more = get(&empty, "");
    more.headers.push(("x-amz-acl".to_owned(), "public-read".to_owned()));
    assert_eq!(s3(&more, NOW), Some(SignatureFault::Unsigned("x-amz-acl".to_owned())));
    let twice = TestSigner { rule: PathRule::NormalizedAndEncodedTwice, ..signer };
    let request = twice.sign("GET", "/a%20b", "", "", &[("host", "h"), ("x-amz-content-sha256", &empty)]);
    assert_eq!(s3(&request, NOW), Some(SignatureFault::NotMatching));
}

/// The presigned URL from the S3 API reference, with the key that its authors signed it with.
#[test]
fn presigned_urls_expire() {
    let mut inventory = inventory();
    let bob = inventory.add_person("123456789012", "/", Some("bob"));
    let (id, secret) = ("AKIAIOSFODNN7EXAMPLE".to_owned(), "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned());
    inventory.add_key(&bob, &AccessKeyPair { access_key_id: id, secret_access_key: secret });
    let query = "X-Amz-Algorithm=AWS4-HMAC-SHA256\
        &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z\
        &X-Amz-Expires=86400&X-Amz-SignedHeaders=host\
        &X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
    let request = |query: &str| HttpRequest {
        method: "GET".to_owned(),
        path: "/test.txt".to_owned(),
        query: query.to_owned(),
        headers: vec![("host".to_owned(), "examplebucket.s3.amazonaws.com".to_owned())],
        body: Vec::new(),
        keep_alive: true,
    };
    let signed = 1_369_353_600;
    let at = |query: &str, now| authorize(&request(query), Service::S3, &inventory, now);
    assert!(at(query, signed + 86_400).is_ok_and(|caller| caller.owner == bob.index));
    assert!(matches!(at(query, signed + 86_401), Err(SignatureFault::Old { limit: 86_400, .. })));
    assert_eq!(at(&query.replace("86400", "86399"), signed).err(), Some(SignatureFault::NotMatching));
    assert!(matches!(at(&query.replace("86400", "604801"), signed), Err(SignatureFault::Incomplete(_))));
    assert_eq!(at(&query.replace("X-Amz-Algorithm", "x"), signed).err(), Some(SignatureFault::Missing));
}

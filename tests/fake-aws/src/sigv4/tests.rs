//! Tests of SigV4 against AWS's published examples, and against tables of error-prone cases.
//!
//! Sources: the AWS Signature Version 4 test suite (service `service`), the IAM user guide's ListUsers example, and the
//! S3 API reference's "Authenticating Requests" examples. Dates of the suite are those of its `x-amz-date` header.

use super::*;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const SUITE_TOKEN: &str = "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267";

const NORMAL: PathRule = PathRule::NormalizedAndEncodedTwice;
const ONCE: PathRule = PathRule::EncodedOnce;

fn request(method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> HttpRequest {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    HttpRequest {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        body: body.as_bytes().to_vec(),
        keep_alive: true,
    }
}

/// Returns the names of all headers, sorted, as the list of signed headers.
fn signed(request: &HttpRequest) -> Vec<String> {
    let mut names: Vec<String> = request.headers.iter().map(|(name, _)| name.clone()).collect();
    names.sort();
    names.dedup();
    names
}

fn scope(date: &str, region: &str, service: &str) -> CredentialScope {
    CredentialScope { date: date.to_owned(), region: region.to_owned(), service: service.to_owned() }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Checks one example of the suite, with `host` and `x-amz-date` added as the suite adds them.
fn suite(name: &str, rule: PathRule, method: &str, target: &str, more: &[(&str, &str)], body: &str, expected: &str) {
    let mut headers = vec![("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z")];
    headers.extend_from_slice(more);
    let request = request(method, target, &headers, body);
    let canonical = canonical_request(&request, &signed(&request), &sha256_hex(body.as_bytes()), rule);
    let scope = scope("20150830", "us-east-1", "service");
    let text = string_to_sign("20150830T123600Z", &scope, &canonical);
    assert!(is_signature(&signing_key(SECRET, &scope), &text, expected), "{name}:\n{canonical}");
}

#[test]
fn the_paths_of_the_suite_are_signed_correctly() {
    let vanilla = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
    let space = "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741";
    for (name, rule, target, expected) in [
        ("get-vanilla", NORMAL, "/", vanilla),
        ("get-relative", NORMAL, "/example/..", vanilla),
        ("get-relative-relative", NORMAL, "/example1/example2/../..", vanilla),
        ("get-slash-dot-slash", NORMAL, "/./", vanilla),
        ("get-slash", NORMAL, "//", vanilla),
        (
            "get-slash-pointless-dot",
            NORMAL,
            "/./example",
            "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5",
        ),
        ("get-slashes", NORMAL, "//example//", "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"),
        ("get-space", NORMAL, "/example space/", space),
        ("get-space-unnormalized", ONCE, "/example%20space/", space),
        (
            "get-unreserved",
            NORMAL,
            "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
            "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
        ),
        ("get-utf8", NORMAL, "/ሴ", "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"),
        (
            "get-relative-unnormalized",
            ONCE,
            "/example/..",
            "eca7ead57bb5aa5c8e28007acd4ff04e1ff9a0ff3b237ec1554a184887ff9282",
        ),
        (
            "get-relative-relative-unnormalized",
            ONCE,
            "/example1/example2/../..",
            "dc33e0856fd4baca4d7aa2146c38958283844764f38c74252a333df5e613003b",
        ),
        (
            "get-slash-dot-slash-unnormalized",
            ONCE,
            "/./",
            "68714168e6557f8f2de0ef956fc24dc2593a4bd2961f8df51898d8a134695145",
        ),
        ("get-slash-unnormalized", ONCE, "//", "c88bcd3d312d75078c0cd961d6deae3f4c754924b01669efcfcb439fd5e5b76e"),
        (
            "get-slashes-unnormalized",
            ONCE,
            "//example//",
            "87cca117541a147f6df867677d98a7d80dff226d2bfca9e4ffa899665623c7e5",
        ),
    ] {
        suite(name, rule, "GET", target, &[], "", expected);
    }
}

#[test]
fn the_queries_of_the_suite_are_signed_correctly() {
    let letters = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    for (name, method, target, expected) in [
        (
            "get-vanilla-empty-query-key",
            "GET",
            "/?Param1=value1",
            "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb",
        ),
        (
            "get-vanilla-query-order-encoded",
            "GET",
            "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
            "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac",
        ),
        (
            "get-vanilla-query-order-key-case",
            "GET",
            "/?Param2=value2&Param1=value1",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        (
            "get-vanilla-query-unreserved",
            "GET",
            &format!("/?{letters}={letters}"),
            "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
        ),
        (
            "get-vanilla-utf8-query",
            "GET",
            "/?ሴ=bar",
            "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
        ),
        (
            "post-vanilla-query",
            "POST",
            "/?Param1=value1",
            "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11",
        ),
    ] {
        suite(name, NORMAL, method, target, &[], "", expected);
    }
}

#[test]
fn the_headers_and_bodies_of_the_suite_are_signed_correctly() {
    let one = |name, value| vec![(name, value)];
    let sums = "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e";
    let form = |kind| vec![("content-type", kind), ("content-length", "13"), ("x-amz-content-sha256", sums)];
    let plain = "application/x-www-form-urlencoded";
    for (name, method, more, body, expected) in [
        (
            "get-header-key-duplicate",
            "GET",
            vec![("my-header1", "value2"), ("my-header1", "value2"), ("my-header1", "value1")],
            "",
            "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
        ),
        (
            "get-header-value-multiline",
            "GET",
            one("my-header1", "value1\n  value2\n     value3"),
            "",
            "cfd34249e4b1c8d6b91ef74165d41a32e5fab3306300901bb65a51a73575eefd",
        ),
        (
            "get-header-value-order",
            "GET",
            ["value4", "value1", "value3", "value2"].map(|value| ("my-header1", value)).to_vec(),
            "",
            "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01",
        ),
        (
            "get-header-value-trim",
            "GET",
            vec![("my-header1", " value1"), ("my-header2", " \"a   b   c\"")],
            "",
            "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
        ),
        (
            "get-vanilla-with-session-token",
            "GET",
            one("x-amz-security-token", SUITE_TOKEN),
            "",
            "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8",
        ),
        ("post-vanilla", "POST", vec![], "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        (
            "post-header-key-sort",
            "POST",
            one("my-header1", "value1"),
            "",
            "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
        ),
        (
            "post-header-value-case",
            "POST",
            one("my-header1", "VALUE1"),
            "",
            "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
        ),
        (
            "post-x-www-form-urlencoded",
            "POST",
            form(plain),
            "Param1=value1",
            "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b",
        ),
        (
            "post-x-www-form-urlencoded-parameters",
            "POST",
            form("application/x-www-form-urlencoded; charset=utf-8"),
            "Param1=value1",
            "328d1b9eaadca9f5818ef05e8392801e091653bafec24fcab71e7344e7f51422",
        ),
    ] {
        suite(name, NORMAL, method, "/", &more, body, expected);
    }
}

/// The suite's `get-vanilla` example, signed in the query.
#[test]
fn a_presigned_url_of_the_suite_is_signed_correctly() {
    let query = "X-Amz-Algorithm=AWS4-HMAC-SHA256\
                 &X-Amz-Credential=AKIDEXAMPLE%2F20150830%2Fus-east-1%2Fservice%2Faws4_request\
                 &X-Amz-Date=20150830T123600Z&X-Amz-SignedHeaders=host&X-Amz-Expires=3600&X-Amz-Signature=left-out";
    let request = request("GET", &format!("/?{query}"), &[("host", "example.amazonaws.com")], "");
    let scope = scope("20150830", "us-east-1", "service");
    let canonical = canonical_request(&request, &signed(&request), EMPTY, NORMAL);
    let text = string_to_sign("20150830T123600Z", &scope, &canonical);
    let expected = "e93c787ed7f371d5c6b165c1b38ede9550f4dce4144713e844b25b7192d3865d";
    assert!(is_signature(&signing_key(SECRET, &scope), &text, expected), "{canonical}");
}

#[test]
fn signing_keys_match_the_user_guide() {
    let key = signing_key(SECRET, &scope("20150830", "us-east-1", "iam"));
    assert_eq!(hex(&key), "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
    let key = signing_key(SECRET, &scope("20120215", "us-east-1", "iam"));
    assert_eq!(hex(&key), "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d");
}

#[test]
fn list_users_is_signed_as_in_the_user_guide() {
    let headers = [
        ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
        ("host", "iam.amazonaws.com"),
        ("x-amz-date", "20150830T123600Z"),
    ];
    let request = request("GET", "/?Action=ListUsers&Version=2010-05-08", &headers, "");
    let canonical = canonical_request(&request, &signed(&request), EMPTY, NORMAL);
    let expected = "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59";
    assert_eq!(sha256_hex(canonical.as_bytes()), expected);
    let scope = scope("20150830", "us-east-1", "iam");
    let text = string_to_sign("20150830T123600Z", &scope, &canonical);
    let expected = "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7";
    assert!(is_signature(&signing_key(SECRET, &scope), &text, expected));
}

#[test]
fn s3_requests_are_signed_as_in_the_api_reference() {
    let put = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";
    let date = ("x-amz-date", "20130524T000000Z");
    let host = ("host", "examplebucket.s3.amazonaws.com");
    let empty = ("x-amz-content-sha256", EMPTY);
    for (method, target, headers, payload, expected) in [
        (
            "GET",
            "/test.txt",
            vec![host, ("range", "bytes=0-9"), empty, date],
            EMPTY,
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            "PUT",
            "/test%24file.text",
            vec![
                ("date", "Fri, 24 May 2013 00:00:00 GMT"),
                host,
                ("x-amz-content-sha256", put),
                date,
                ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
            ],
            put,
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        (
            "GET",
            "/?lifecycle",
            vec![host, empty, date],
            EMPTY,
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        ),
        (
            "GET",
            "/?max-keys=2&prefix=J",
            vec![host, empty, date],
            EMPTY,
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
        (
            "GET",
            "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256\
             &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request\
             &X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host",
            vec![host],
            "UNSIGNED-PAYLOAD",
            "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
        ),
    ] {
        let request = request(method, target, &headers, "");
        let canonical = canonical_request(&request, &signed(&request), payload, ONCE);
        let scope = scope("20130524", "us-east-1", "s3");
        let text = string_to_sign("20130524T000000Z", &scope, &canonical);
        let key = signing_key("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", &scope);
        assert!(is_signature(&key, &text, expected), "{target}:\n{canonical}");
    }
}

#[test]
fn paths_are_encoded_twice_or_once() {
    for (path, twice, once) in [
        ("", "/", ""),
        ("/", "/", "/"),
        ("/a b", "/a%20b", "/a%20b"),
        ("/a%20b", "/a%2520b", "/a%20b"),
        ("/a%2Fb", "/a%252Fb", "/a/b"),
        ("/a+b", "/a%2Bb", "/a%2Bb"),
        ("/a/", "/a/", "/a/"),
        ("/a/.", "/a/", "/a/."),
        ("/a/b/..", "/a/", "/a/b/.."),
        ("/../../a", "/a", "/../../a"),
        ("/%7e~", "/%257e~", "/~~"),
        ("/@:$&'()*,;=", "/%40%3A%24%26%27%28%29%2A%2C%3B%3D", "/%40%3A%24%26%27%28%29%2A%2C%3B%3D"),
    ] {
        assert_eq!(canonical_path(path, NORMAL), twice, "{path}");
        assert_eq!(canonical_path(path, ONCE), once, "{path}");
    }
}

#[test]
fn queries_are_sorted_as_they_are_encoded() {
    for (query, canonical) in [
        ("", ""),
        ("b=2&a=1", "a=1&b=2"),
        ("a=2&a=1", "a=1&a=2"),
        ("a", "a="),
        ("a=%2f", "a=%2F"),
        ("a=/:@", "a=%2F%3A%40"),
        ("a=b=c", "a=b%3Dc"),
        ("a=b+c", "a=b%20c"),
        ("a=b%2Bc", "a=b%2Bc"),
        ("A=1&a=1&_=1", "A=1&_=1&a=1"),
        ("a-b=1&a=2", "a=2&a-b=1"),
        ("&&a=1&", "a=1"),
    ] {
        assert_eq!(canonical_query(query), canonical, "{query}");
    }
}

#[test]
fn wrong_signatures_do_not_match() {
    let right = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
    let scope = scope("20150830", "us-east-1", "service");
    let headers = [("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z")];
    let vanilla = request("GET", "/", &headers, "");
    let text =
        string_to_sign("20150830T123600Z", &scope, &canonical_request(&vanilla, &signed(&vanilla), EMPTY, NORMAL));
    let key = signing_key(SECRET, &scope);
    assert!(is_signature(&key, &text, right));
    for wrong in ["", "5f", &right[..62], &right.to_uppercase(), &right.replace('5', "6"), &format!("{right}00"), "ß"]
    {
        assert!(!is_signature(&key, &text, wrong), "{wrong}");
    }
}

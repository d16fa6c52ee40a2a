//! Checks of a signature's credential scope: the service, and a region of the AWS account's partition.

use super::SignatureFault;
use crate::action::Service;
use crate::sigv4::CredentialScope;

/// Checks that a signature is scoped to `service` and to a region of `partition`, or to exactly the region `only`.
/// Partitions share no keys, so a region of another partition makes the key unknown.
pub(super) fn check_scope(
    scope: &CredentialScope,
    service: Service,
    partition: &str,
    only: Option<&str>,
) -> Result<(), SignatureFault> {
    let wrong = |part, given: &str, expected: &str| {
        Err(SignatureFault::WrongScope { part, given: given.to_owned(), expected: expected.to_owned() })
    };
    if scope.service != service.scope_name() {
        return wrong("service", &scope.service, service.scope_name());
    }
    if !is_region(&scope.region) {
        return wrong("region", &scope.region, only.unwrap_or("us-east-1"));
    }
    if partition_of(&scope.region) != partition {
        return Err(SignatureFault::UnknownKey);
    }
    match only {
        Some(only) if only != scope.region => wrong("region", &scope.region, only),
        _ => Ok(()),
    }
}

/// Returns true for names such as `eu-central-1`: at least two words of letters, then one digit.
fn is_region(region: &str) -> bool {
    let parts: Vec<&str> = region.split('-').collect();
    let is_word = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    match &parts[..] {
        [words @ .., number] if words.len() >= 2 => {
            words.iter().all(is_word) && number.len() == 1 && number.as_bytes()[0].is_ascii_digit()
        }
        _ => false,
    }
}

fn partition_of(region: &str) -> &'static str {
    const PREFIXES: [(&str, &str); 7] = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-iso-", "aws-iso"),
        ("us-isob-", "aws-iso-b"),
        ("eu-isoe-", "aws-iso-e"),
        ("us-isof-", "aws-iso-f"),
        ("eusc-", "aws-eusc"),
    ];
    PREFIXES.iter().find(|(prefix, _)| region.starts_with(prefix)).map_or("aws", |(_, partition)| partition)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(region: &str, service: &str, partition: &str, only: Option<&str>) -> Result<(), SignatureFault> {
        let scope =
            CredentialScope { date: "20150830".to_owned(), region: region.to_owned(), service: service.to_owned() };
        check_scope(&scope, Service::Sts, partition, only)
    }

    #[test]
    fn a_region_of_another_partition_makes_the_key_unknown() {
        for (region, partition) in [
            ("us-east-1", "aws"),
            ("ap-southeast-4", "aws"),
            ("cn-north-1", "aws-cn"),
            ("us-gov-west-1", "aws-us-gov"),
            ("us-iso-east-1", "aws-iso"),
            ("us-isob-east-1", "aws-iso-b"),
            ("eusc-de-east-1", "aws-eusc"),
        ] {
            assert_eq!(check(region, "sts", partition, None), Ok(()), "{region}");
            let elsewhere = if partition == "aws" { "aws-cn" } else { "aws" };
            assert_eq!(check(region, "sts", elsewhere, None), Err(SignatureFault::UnknownKey), "{region}");
        }
    }

    #[test]
    fn wrong_regions_and_services_are_refused() {
        for region in ["", "aws-global", "us-east", "us-east-x", "us-east-12", "US-EAST-1", "-east-1", "us--1", "1"] {
            let fault = check(region, "sts", "aws", None);
            assert!(matches!(fault, Err(SignatureFault::WrongScope { part: "region", .. })), "{region}");
        }
        assert!(matches!(
            check("us-east-1", "iam", "aws", None),
            Err(SignatureFault::WrongScope { part: "service", .. })
        ));
        assert_eq!(check("eu-central-1", "sts", "aws", Some("eu-central-1")), Ok(()));
        let other = check("eu-west-1", "sts", "aws", Some("eu-central-1"));
        assert!(matches!(other, Err(SignatureFault::WrongScope { part: "region", .. })));
    }
}

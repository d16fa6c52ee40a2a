//! S3: the two calls behind `aws s3 ls`, denied without MFA by a policy of `Deny` with `BoolIfExists` on
//! `aws:MultiFactorAuthPresent` `false`, under which a long-term key counts as without MFA.

use std::collections::BTreeSet;

use crate::clock::iso_extended;
use crate::form;
use crate::front::AuthorizedCall;
use crate::inventory::{BucketRecord, Inventory, SessionKind};
use crate::policy;
use crate::refusal::AwsRefusal;
use crate::response::HttpResponse;
use crate::sigv4;
use crate::sts;
use crate::xml;

/// Lists all buckets of the caller's AWS account.
pub(crate) fn list_buckets(inventory: &Inventory, asked: &AuthorizedCall<'_>) -> Result<HttpResponse, AwsRefusal> {
    check_policy(inventory, asked, "arn:aws:s3:::*")?;
    let (_, id, account) = sts::identity(inventory, &asked.caller);
    let mine = inventory.buckets.iter().filter(|(_, bucket)| bucket.account == account);
    let members: String = mine
        .map(|(name, bucket)| xml::text("Name", name) + &xml::text("CreationDate", &iso_milliseconds(bucket.created)))
        .map(|inner| xml::element("Bucket", &inner))
        .collect();
    let owner = xml::element("Owner", &xml::text("ID", &id));
    Ok(HttpResponse::s3_document("ListAllMyBucketsResult", &(owner + &xml::element("Buckets", &members))))
}

/// Lists the objects of a bucket in one page, with `prefix` and `delimiter`.
pub(crate) fn list_objects(inventory: &Inventory, asked: &AuthorizedCall<'_>) -> Result<HttpResponse, AwsRefusal> {
    let (name, bucket) = bucket_asked_for(inventory, asked)?;
    check_policy(inventory, asked, &format!("arn:aws:s3:::{name}"))?;
    let (prefix, delimiter) = (asked.field("prefix").unwrap_or_default(), asked.field("delimiter").unwrap_or_default());
    let mut folders = BTreeSet::new();
    let mut objects = Vec::new();
    for (key, size) in bucket.objects.iter().filter(|(key, _)| key.starts_with(prefix)) {
        match folder_of(key, prefix, delimiter) {
            Some(folder) => drop(folders.insert(folder)),
            None => objects.push(object(&encoded(key, asked), *size, bucket)),
        }
    }
    let head = xml::text("Name", &name)
        + &xml::text("Prefix", &encoded(prefix, asked))
        + &xml::text("KeyCount", &(objects.len() + folders.len()).to_string())
        + &xml::text("MaxKeys", "1000")
        + &asked.field("encoding-type").map(|kind| xml::text("EncodingType", kind)).unwrap_or_default()
        + &xml::text("IsTruncated", "false");
    let folders = folders.iter().map(|folder| xml::text("Prefix", &encoded(folder, asked)));
    let folders: String = folders.map(|inner| xml::element("CommonPrefixes", &inner)).collect();
    Ok(HttpResponse::s3_document("ListBucketResult", &(head + &objects.concat() + &folders)))
}

/// Returns the bucket named in the path. Refuses if the bucket belongs to another AWS account.
fn bucket_asked_for<'a>(
    inventory: &'a Inventory,
    asked: &AuthorizedCall<'_>,
) -> Result<(String, &'a BucketRecord), AwsRefusal> {
    let path = form::decode_percent(asked.request.path.as_bytes());
    let name = String::from_utf8_lossy(&path).trim_matches('/').to_owned();
    let Some(bucket) = inventory.buckets.get(&name) else {
        let missing = AwsRefusal::new(404, "NoSuchBucket", "The specified bucket does not exist");
        return Err(missing.with("BucketName", name));
    };
    if bucket.account == sts::identity(inventory, &asked.caller).2 {
        Ok((name, bucket))
    } else {
        Err(AwsRefusal::access_denied("Access Denied"))
    }
}

fn object(key: &str, size: u64, bucket: &BucketRecord) -> String {
    let inner = xml::text("Key", key)
        + &xml::text("LastModified", &iso_milliseconds(bucket.created))
        + &xml::text("Size", &size.to_string())
        + &xml::text("StorageClass", "STANDARD");
    xml::element("Contents", &inner)
}

/// Percent-encodes a key if the client asked for it, since keys may contain characters that XML cannot.
fn encoded(key: &str, asked: &AuthorizedCall<'_>) -> String {
    if asked.field("encoding-type") == Some("url") { sigv4::encode(key.as_bytes(), true) } else { key.to_owned() }
}

/// Returns the key up to and including the first delimiter after the prefix; `None` if there is no delimiter.
fn folder_of(key: &str, prefix: &str, delimiter: &str) -> Option<String> {
    let rest = &key[prefix.len()..];
    let end = rest.find(delimiter).filter(|_| !delimiter.is_empty())?;
    Some(key[..prefix.len() + end + delimiter.len()].to_owned())
}

/// Denies users without MFA; sessions of roles are allowed to list.
fn check_policy(inventory: &Inventory, asked: &AuthorizedCall<'_>, resource: &str) -> Result<(), AwsRefusal> {
    if asked.caller.has_mfa() || matches!(asked.caller.session, Some(SessionKind::Role { .. })) {
        return Ok(());
    }
    Err(policy::denied(inventory, asked, resource))
}

/// Builds the error for every call that the simulator lacks.
pub(crate) fn not_implemented() -> AwsRefusal {
    AwsRefusal::new(501, "NotImplemented", "A header you provided implies functionality that is not implemented")
}

/// S3 writes milliseconds; STS and IAM do not.
fn iso_milliseconds(time: i64) -> String {
    iso_extended(time).replace('Z', ".000Z")
}

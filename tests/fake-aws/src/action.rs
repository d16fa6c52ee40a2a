//! Which call is made, in AWS's own names.

use std::fmt;
use std::str::FromStr;

use crate::form::FormFields;
use crate::http;

/// A call that the fake knows, or [`Action::Unknown`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// STS: who am I?
    GetCallerIdentity,
    /// STS: a session for a long-term key.
    GetSessionToken,
    /// STS: a session of a role.
    AssumeRole,
    /// IAM: the MFA devices of a user.
    ListMfaDevices,
    /// IAM: a policy for a user.
    AttachUserPolicy,
    /// IAM: a user's key is no more.
    DeleteAccessKey,
    /// IAM: an MFA device is its user's no more.
    DeactivateMfaDevice,
    /// IAM: such a device is no more.
    DeleteVirtualMfaDevice,
    /// S3: `aws s3 ls`.
    ListBuckets,
    /// S3: `aws s3 ls s3://bucket`.
    ListObjectsV2,
    /// Anything else, also what is no AWS call at all.
    Unknown,
}

/// The three services behind the one endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    Sts,
    Iam,
    S3,
}

impl Action {
    /// Every action that can be named, for messages and tests.
    pub const KNOWN: [Action; 10] = [
        Action::GetCallerIdentity,
        Action::GetSessionToken,
        Action::AssumeRole,
        Action::ListMfaDevices,
        Action::AttachUserPolicy,
        Action::DeleteAccessKey,
        Action::DeactivateMfaDevice,
        Action::DeleteVirtualMfaDevice,
        Action::ListBuckets,
        Action::ListObjectsV2,
    ];

    /// AWS's name of the call.
    pub fn name(self) -> &'static str {
        match self {
            Action::GetCallerIdentity => "GetCallerIdentity",
            Action::GetSessionToken => "GetSessionToken",
            Action::AssumeRole => "AssumeRole",
            Action::ListMfaDevices => "ListMFADevices",
            Action::AttachUserPolicy => "AttachUserPolicy",
            Action::DeleteAccessKey => "DeleteAccessKey",
            Action::DeactivateMfaDevice => "DeactivateMFADevice",
            Action::DeleteVirtualMfaDevice => "DeleteVirtualMFADevice",
            Action::ListBuckets => "ListBuckets",
            Action::ListObjectsV2 => "ListObjectsV2",
            Action::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl FromStr for Action {
    type Err = String;

    fn from_str(name: &str) -> Result<Action, String> {
        let known = Action::KNOWN.into_iter().find(|action| action.name() == name);
        known.ok_or_else(|| format!("no action is called {name:?}"))
    }
}

impl Service {
    /// The service's name in a credential scope.
    pub(crate) fn scope_name(self) -> &'static str {
        match self {
            Service::Sts => "sts",
            Service::Iam => "iam",
            Service::S3 => "s3",
        }
    }

    /// The only API version of a query service; S3 has none.
    pub(crate) fn version(self) -> &'static str {
        match self {
            Service::Sts => "2011-06-15",
            Service::Iam => "2010-05-08",
            Service::S3 => "2006-03-01",
        }
    }
}

/// What a request asks for.
pub(crate) struct ParsedCall {
    pub(crate) service: Service,
    pub(crate) action: Action,
    pub(crate) fields: FormFields,
}

impl ParsedCall {
    /// A form with an `Action` is for STS or IAM, a form without one for STS, everything else for S3.
    pub(crate) fn of(request: &http::HttpRequest) -> ParsedCall {
        let query = FormFields::parse(request.query.as_bytes());
        let is_form =
            request.header("content-type").is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
        if query.get("Action").is_some() || (request.method == "POST" && is_form) {
            return ParsedCall::of_query_service(query.and(FormFields::parse(&request.body)));
        }
        let bucket = request.path.trim_start_matches('/');
        let action = match request.method.as_str() {
            "GET" if bucket.is_empty() => Action::ListBuckets,
            "GET" if !bucket.trim_end_matches('/').contains('/') && query.get("list-type") == Some("2") => {
                Action::ListObjectsV2
            }
            _ => Action::Unknown,
        };
        ParsedCall { service: Service::S3, action, fields: query }
    }

    fn of_query_service(fields: FormFields) -> ParsedCall {
        let (service, action) = match fields.get("Action") {
            Some("GetCallerIdentity") => (Service::Sts, Action::GetCallerIdentity),
            Some("GetSessionToken") => (Service::Sts, Action::GetSessionToken),
            Some("AssumeRole") => (Service::Sts, Action::AssumeRole),
            Some("ListMFADevices") => (Service::Iam, Action::ListMfaDevices),
            Some("AttachUserPolicy") => (Service::Iam, Action::AttachUserPolicy),
            Some("DeleteAccessKey") => (Service::Iam, Action::DeleteAccessKey),
            Some("DeactivateMFADevice") => (Service::Iam, Action::DeactivateMfaDevice),
            Some("DeleteVirtualMFADevice") => (Service::Iam, Action::DeleteVirtualMfaDevice),
            _ if fields.get("Version") == Some(Service::Iam.version()) => (Service::Iam, Action::Unknown),
            _ => (Service::Sts, Action::Unknown),
        };
        ParsedCall { service, action, fields }
    }
}

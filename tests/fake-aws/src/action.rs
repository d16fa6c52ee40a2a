//! The API calls that the simulator recognizes, and parsing a request into one of them.

use std::fmt;
use std::str::FromStr;

use crate::form::FormFields;
use crate::http;

/// An API call that the simulator knows, or [`Action::Unknown`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// STS: returns the caller's ARN, user id and AWS account.
    GetCallerIdentity,
    /// STS: creates a session for a long-term key.
    GetSessionToken,
    /// STS: creates a session of a role.
    AssumeRole,
    /// IAM: lists the MFA devices of a user.
    ListMfaDevices,
    /// IAM: attaches a managed policy to a user.
    AttachUserPolicy,
    /// IAM: deletes a user's long-term key.
    DeleteAccessKey,
    /// IAM: detaches an MFA device from its user.
    DeactivateMfaDevice,
    /// IAM: deletes a virtual MFA device that has been deactivated.
    DeleteVirtualMfaDevice,
    /// S3: lists the caller's buckets (`aws s3 ls`).
    ListBuckets,
    /// S3: lists the objects in a bucket (`aws s3 ls s3://bucket`).
    ListObjectsV2,
    /// Any other request, including one that is no AWS call at all.
    Unknown,
}

/// The three services, which share one endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    Sts,
    Iam,
    S3,
}

impl Action {
    /// All actions except [`Action::Unknown`].
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

    /// Returns AWS's name of the call, or `unknown`.
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
    /// Returns the service's name in a credential scope.
    pub(crate) fn scope_name(self) -> &'static str {
        match self {
            Service::Sts => "sts",
            Service::Iam => "iam",
            Service::S3 => "s3",
        }
    }

    /// Returns the API version in `Version`, of which each service has one; S3 requests carry none.
    pub(crate) fn version(self) -> &'static str {
        match self {
            Service::Sts => "2011-06-15",
            Service::Iam => "2010-05-08",
            Service::S3 => "2006-03-01",
        }
    }
}

/// The service, action and parameters of a request.
pub(crate) struct ParsedCall {
    pub(crate) service: Service,
    pub(crate) action: Action,
    pub(crate) fields: FormFields,
}

impl ParsedCall {
    /// Determines the service: a query or form with `Action` goes to STS or IAM, a form without `Action` to STS,
    /// everything else to S3.
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

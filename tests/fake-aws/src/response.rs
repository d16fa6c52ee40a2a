//! HTTP responses: status, headers and body, in the XML formats of results and errors.

use crate::action::{Action, Service};
use crate::refusal::AwsRefusal;
use crate::xml;

/// A response. `Content-Length` and `Connection` are added when it is written.
#[derive(Clone)]
pub(crate) struct HttpResponse {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

impl HttpResponse {
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> HttpResponse {
        HttpResponse { status, headers: vec![("Content-Type", content_type.to_owned())], body: body.into() }
    }

    /// Builds the result of an STS or IAM call: `<ActionResponse><ActionResult>…`, without the inner element if
    /// `inner` is empty.
    pub(crate) fn result(service: Service, action: Action, inner: &str, request_id: &str) -> HttpResponse {
        let name = action.name();
        let result = if inner.is_empty() { String::new() } else { xml::element(&format!("{name}Result"), inner) };
        let metadata = xml::element("ResponseMetadata", &xml::text("RequestId", request_id));
        let body = xml::document(&format!("{name}Response"), namespace(service), &(result + &metadata));
        HttpResponse::new(200, "text/xml", body)
    }

    /// Builds an error response in the format of `service`.
    pub(crate) fn refusal(service: Service, refusal: &AwsRefusal, request_id: &str) -> HttpResponse {
        if service == Service::S3 {
            return HttpResponse::s3_shaped(refusal, request_id);
        }
        let kind = if refusal.status < 500 { "Sender" } else { "Receiver" };
        let error =
            xml::text("Type", kind) + &xml::text("Code", &refusal.code) + &xml::text("Message", &refusal.message);
        let inner = xml::element("Error", &error) + &xml::text("RequestId", request_id);
        HttpResponse::new(refusal.status, "text/xml", xml::document("ErrorResponse", namespace(service), &inner))
    }

    /// Builds an error with a bare `<Error><Code>`: the format of S3 and of S3-like STS servers.
    pub(crate) fn s3_shaped(refusal: &AwsRefusal, request_id: &str) -> HttpResponse {
        let mut inner = xml::text("Code", &refusal.code) + &xml::text("Message", &refusal.message);
        for (name, value) in &refusal.details {
            inner += &xml::text(name, value);
        }
        inner += &(xml::text("RequestId", request_id) + &xml::text("HostId", "fake-aws"));
        HttpResponse::new(
            refusal.status,
            "application/xml",
            XML_DECLARATION.to_owned() + &xml::element("Error", &inner),
        )
    }

    pub(crate) fn s3_document(name: &str, inner: &str) -> HttpResponse {
        let body = XML_DECLARATION.to_owned() + &xml::document(name, namespace(Service::S3), inner);
        HttpResponse::new(200, "application/xml", body)
    }
}

const XML_DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

fn namespace(service: Service) -> &'static str {
    match service {
        Service::Sts => "https://sts.amazonaws.com/doc/2011-06-15/",
        Service::Iam => "https://iam.amazonaws.com/doc/2010-05-08/",
        Service::S3 => "http://s3.amazonaws.com/doc/2006-03-01/",
    }
}

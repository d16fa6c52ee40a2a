//! Checks that a response is complete, and limits its length. The SDK would accept a truncated response, but a
//! truncated session token is useless.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    AfterDeserializationInterceptorContextRef, BeforeDeserializationInterceptorContextMut,
};
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use http_body_util::Limited;

/// Maximum length of a response's body, in bytes. AWS's responses have a few thousand bytes.
const LONGEST: usize = 1 << 20;

/// An interceptor that refuses a successful response whose XML is cut short, and any response that is too long.
#[derive(Debug)]
pub(super) struct CompleteResponse;

#[dyn_dispatch_hint]
impl Intercept for CompleteResponse {
    fn name(&self) -> &'static str {
        "CompleteResponse"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.response_mut().body_mut();
        let endless = std::mem::replace(body, SdkBody::taken());
        *body = SdkBody::from_body_1_x(Limited::new(endless, LONGEST));
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        let body = response.body().bytes().map(String::from_utf8_lossy);
        match body {
            Some(body) if response.status().is_success() && !is_whole(&body) => Err("the response is truncated".into()),
            _ => Ok(()),
        }
    }
}

/// Returns true if an XML document ends with the end tag of its first element.
fn is_whole(xml: &str) -> bool {
    let named = |part: &&str| part.starts_with(|c: char| c.is_ascii_alphabetic());
    let Some(root) = xml.split('<').find(named) else { return false };
    let name = root.split(|c: char| c.is_whitespace() || c == '>' || c == '/').next().unwrap_or_default();
    xml.trim_end().ends_with(&format!("</{name}>"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cut_responses_are_recognised() {
        for whole in ["<A><B/></A>\n", "<?xml version=\"1.0\"?>\n<A xmlns=\"x\">text</A>"] {
            assert!(is_whole(whole), "{whole}");
        }
        for cut in ["", "text", "<A>", "<A><B></B>", "<A><B>te", "<?xml version=\"1.0\"?>", "<A></A"] {
            assert!(!is_whole(cut), "{cut}");
        }
    }
}

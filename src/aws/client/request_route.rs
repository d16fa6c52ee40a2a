//! The route of a request to AWS, for explaining why it failed.

use super::ca_bundle::CaBundle;
use super::network::Network;
use super::proxy::{self, Through};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use std::sync::{Arc, Mutex, PoisonError};
use url::Url;

/// Host, region, proxy and trusted certificates of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestRoute {
    /// Host of the request, with the port if it is not the scheme's default; `AWS` if nothing was sent.
    pub host: String,
    /// AWS region from the settings.
    pub region: String,
    /// True if the endpoint's URL comes from a setting, false if it is derived from the region.
    pub is_set: bool,
    /// Proxy that the request went through; `None` if it went directly.
    pub proxy: Option<Through>,
    /// Certificates that were trusted; `None` for the system's certificates.
    pub ca_bundle: Option<CaBundle>,
}

/// An interceptor that records the route of the last request to one service.
#[derive(Clone, Debug)]
pub(super) struct RouteRecorder {
    network: Arc<Network>,
    is_set: bool,
    uri: Arc<Mutex<String>>,
}

impl RouteRecorder {
    pub(super) fn new(network: &Arc<Network>, endpoint: Option<&String>) -> Self {
        Self { network: Arc::clone(network), is_set: endpoint.is_some(), uri: Arc::default() }
    }

    /// Returns the route of the last request to this service.
    pub(super) fn route(&self) -> Box<RequestRoute> {
        let uri = self.uri.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Network { region, proxy, ca_bundle, .. } = &*self.network;
        let url = Url::parse(&uri).ok();
        Box::new(RequestRoute {
            host: url.as_ref().and_then(proxy::host).unwrap_or_else(|| "AWS".to_owned()),
            region: region.clone(),
            is_set: self.is_set,
            proxy: proxy.as_ref().and_then(|proxy| proxy.on_the_way_to(&uri)),
            ca_bundle: ca_bundle.clone(),
        })
    }
}

#[dyn_dispatch_hint]
impl Intercept for RouteRecorder {
    fn name(&self) -> &'static str {
        "RouteRecorder"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        context.request().uri().clone_into(&mut self.uri.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(())
    }
}

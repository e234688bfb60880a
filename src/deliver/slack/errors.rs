//! What Slack's answer, or the lack of one, means: faults 40 to 47, one code at a time.

use slack_morphism::errors::SlackClientError;

use super::transport::Fault;
use crate::deliver::text::clean_reply;
use crate::domain::message::{Report, Stage, Verdict};
use crate::domain::values::Reason;

/// The report for a request that did not end in `ok: true`. Never quotes a body.
pub(super) fn report(error: &SlackClientError) -> Report {
    let of = |verdict, stage, reply: &str| Report { verdict, stage, reply: clean_reply(reply) };
    match error {
        SlackClientError::RateLimitError(limit) => {
            let reply = format!("rate limited ({})", limit.code.as_deref().unwrap_or("HTTP 429"));
            of(Verdict::Channel { after: limit.retry_after }, Stage::Data, &reply)
        }
        SlackClientError::ApiError(refused) => {
            let (verdict, stage) = meaning(&refused.code);
            of(verdict, stage, &refused.code)
        }
        SlackClientError::HttpError(http) if http.status_code.is_server_error() => {
            of(Verdict::Ambiguous, Stage::Body, &format!("HTTP {}", http.status_code))
        }
        // Not Slack, or not its API: a proxy, a captive portal's redirect, a wrong address.
        SlackClientError::HttpError(http) => of(
            Verdict::Channel { after: None },
            Stage::Connect,
            &format!("HTTP {}", http.status_code),
        ),
        SlackClientError::ProtocolError(_) => {
            of(Verdict::Ambiguous, Stage::Body, "the answer is not Slack's JSON")
        }
        SlackClientError::SystemError(system) => {
            match system.cause.as_ref().and_then(|cause| cause.downcast_ref::<Fault>()) {
                Some(fault @ Fault::Unreachable(_)) => {
                    of(Verdict::Channel { after: None }, Stage::Connect, &fault.to_string())
                }
                Some(fault @ Fault::Unsendable(_)) => of(
                    Verdict::Permanent { reason: Reason::MessageRefused },
                    Stage::Claimed,
                    &fault.to_string(),
                ),
                Some(fault @ (Fault::Silence(_) | Fault::Lost(_))) => {
                    of(Verdict::Ambiguous, Stage::Body, &fault.to_string())
                }
                None => of(Verdict::Ambiguous, Stage::Body, "the request failed"),
            }
        }
        SlackClientError::HttpProtocolError(_)
        | SlackClientError::EndOfStream(_)
        | SlackClientError::SocketModeProtocolError(_) => {
            of(Verdict::Ambiguous, Stage::Body, "the request failed")
        }
    }
}

/// One line per code of `chat.postMessage`. A code that is not listed was still a refusal: try again, within the limits
/// of attempts.
fn meaning(code: &str) -> (Verdict, Stage) {
    match code {
        // The person or conversation cannot be written to.
        "channel_not_found"
        | "not_in_channel"
        | "is_archived"
        | "is_inactive"
        | "user_not_found"
        | "users_not_found"
        | "user_disabled"
        | "user_not_visible"
        | "cannot_dm_bot"
        | "messages_tab_disabled"
        | "restricted_action"
        | "restricted_action_read_only_channel"
        | "restricted_action_non_threadable_channel"
        | "restricted_action_thread_only_channel"
        | "restricted_action_thread_locked" => {
            (Verdict::Permanent { reason: Reason::AddressRefused }, Stage::Recipient)
        }

        // The token or the app: everybody waits until somebody repairs it.
        "account_inactive"
        | "token_revoked"
        | "token_expired"
        | "invalid_auth"
        | "not_authed"
        | "missing_scope"
        | "no_permission"
        | "not_allowed_token_type"
        | "org_login_required"
        | "ekm_access_denied"
        | "access_denied"
        | "accesslimited"
        | "two_factor_setup_required"
        | "enterprise_is_restricted"
        | "team_access_not_granted"
        | "team_added_to_org"
        | "team_not_found"
        | "method_deprecated"
        | "deprecated_endpoint"
        | "unknown_method" => (Verdict::Channel { after: None }, Stage::Auth),

        // The message is not one: our mistake.
        "invalid_blocks"
        | "invalid_blocks_format"
        | "msg_blocks_too_long"
        | "msg_too_long"
        | "no_text"
        | "too_many_attachments"
        | "attachment_payload_limit_exceeded"
        | "invalid_arguments"
        | "invalid_arg_name"
        | "invalid_array_arg"
        | "invalid_charset"
        | "invalid_form_data"
        | "invalid_json"
        | "json_not_object"
        | "invalid_post_type"
        | "missing_post_type"
        | "invalid_metadata_format"
        | "invalid_metadata_schema"
        | "metadata_too_large"
        | "metadata_must_be_sent_from_app"
        | "markdown_text_conflict" => {
            (Verdict::Permanent { reason: Reason::MessageRefused }, Stage::Data)
        }

        // Slack does not know itself whether it was posted.
        "internal_error" | "fatal_error" | "service_unavailable" => {
            (Verdict::Ambiguous, Stage::Body)
        }

        _ => (Verdict::Transient { after: None }, Stage::Data),
    }
}

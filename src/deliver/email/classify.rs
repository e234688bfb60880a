//! What a server's answer, or the lack of one, means: faults 28 to 36 in one table.
//!
//! | stage | 4xx | 5xx | other answer, silence, close |
//! |---|---|---|---|
//! | connect, handshake, login | channel | channel | channel |
//! | MAIL | transient | message refused | transient |
//! | RCPT | transient | address refused; 552 transient | transient |
//! | DATA | transient | message refused | transient |
//! | body and dot | transient | message refused | ambiguous |
//!
//! One exception: when the body could not even be handed to the operating system whole, the server cannot have seen the
//! final dot, so that is transient too.
//!
//! "Log in first" (530, 534, 535, 538) is the channel's at any stage: a wrong configuration must not mark recipients. 421 is not,
//! once a session stands: it may be about this one recipient, and a relay that is down does not greet the next session. The class of an enhanced code (RFC 3463) wins over the reply code's.

use std::time::Duration;

use super::super::text::clean_reply;
use super::reply::Reply;
use crate::domain::message::{Report, Stage, Verdict};
use crate::domain::values::Reason;

/// Greylisting servers want this much patience.
const GREYLIST: Duration = Duration::from_mins(5);

/// A negative answer at this stage. A positive one that does not belong here is a [`fault`].
pub(super) fn refusal(stage: Stage, reply: &Reply) -> Report {
    if !matches!(reply.code / 100, 4 | 5) {
        return fault(stage, &format!("the server broke the protocol: {}", reply.text()));
    }
    Report { verdict: verdict(stage, reply), stage, reply: reply.text() }
}

fn verdict(stage: Stage, reply: &Reply) -> Verdict {
    let greylisted = match stage {
        Stage::Recipient | Stage::Data => matches!(reply.code, 450 | 451),
        Stage::Body => reply.code == 451 && matches!(reply.enhanced(), Some((4, 7, _))),
        _ => false,
    };
    let transient = Verdict::Transient { after: greylisted.then_some(GREYLIST) };
    match stage {
        Stage::Claimed | Stage::Connect | Stage::Handshake | Stage::Auth => {
            Verdict::Channel { after: None }
        }
        _ if matches!(reply.code, 530 | 534 | 535 | 538) => Verdict::Channel { after: None },
        Stage::Recipient if reply.code == 552 => transient,
        _ if reply.class() != 5 => transient,
        Stage::Recipient => Verdict::Permanent { reason: Reason::AddressRefused },
        _ => Verdict::Permanent { reason: Reason::MessageRefused },
    }
}

/// Silence, a closed connection, or an answer that is none.
pub(super) fn fault(stage: Stage, why: &str) -> Report {
    let verdict = match stage {
        Stage::Claimed | Stage::Connect | Stage::Handshake | Stage::Auth => {
            Verdict::Channel { after: None }
        }
        Stage::Mail | Stage::Recipient | Stage::Data => Verdict::Transient { after: None },
        Stage::Body | Stage::Accepted => Verdict::Ambiguous,
    };
    Report { verdict, stage, reply: clean_reply(why) }
}

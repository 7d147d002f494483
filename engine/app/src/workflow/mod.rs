//! What goes on between calls: drafts after a call and at night, decisions of people, and the writes that follow them.
//!
//! [`Office`] is the stages over the store and the team's systems; [`Clerk`] is the thread that runs them in the server;
//! [`Desk`] is the review page's and the terminal's side.

mod accounts;
mod before;
mod carried;
mod citations;
mod cited;
mod clerk;
mod contact_access;
mod contact_book;
mod deal;
mod debrief;
mod desk;
mod digests;
mod drafting;
mod executor;
mod journey;
mod known_contact;
mod landed;
mod nightly;
mod office;
mod outreach;
mod outreach_settings;
mod places;
mod post_call;
mod prep;
mod replies;
mod settings;
mod signals;
mod systems;
#[cfg(test)]
mod test_call;
mod unchanged;
mod zone_file;

pub use self::{
    accounts::{Accounts, NotFound},
    citations::Held,
    cited::BRIEFS,
    clerk::Clerk,
    desk::Desk,
    executor::Executor,
    office::{Office, batch_of},
    outreach::{Asked, Look, Made, MessageSettings, Shown, Stand},
    prep::{Arms, KeptMeeting, Prep, heading},
    replies::Replied,
    settings::WorkflowSettings,
    signals::{About, DayFeed, Explained, Form, Took},
    systems::SERVICE,
};

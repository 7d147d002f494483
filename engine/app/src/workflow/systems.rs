//! Opens the systems the settings name.

use std::{path::Path, sync::Arc};

use anyhow::Context;
use reframe_connect::{gmail::Gmail, hubspot::HubSpot, local::Local};
use reframe_workflow::{outbox::Service, system::SystemOfRecord};

use super::settings::{CrmKind, MailKind, WorkflowSettings};
use crate::server::listen::private_folder;

/// Name of the identity writes are made under; never a person's.
pub const SERVICE: &str = "reframe-writer";
const RECORDS: &[&str] = &["create_note", "create_task", "update_field"];
/// Drafts: a person sends them from their own mailbox.
const MESSAGES: &[&str] = &["create_draft"];
/// Where `[workflow.outreach]` says who we are, messages may be sent too, each one approved by a person and cleared.
const SENDS: &[&str] = &["create_draft", "send_mail"];

/// A CRM and a mailbox, which may be the same system.
pub struct Systems {
    /// Where deals are.
    pub crm: Arc<dyn SystemOfRecord>,
    /// Where messages are drafted.
    pub mail: Arc<dyn SystemOfRecord>,
}

impl Systems {
    /// Opens them. Nothing is asked of them yet.
    ///
    /// # Errors
    /// If a folder cannot be made, or a key is missing.
    pub fn open(settings: &WorkflowSettings, data_dir: &Path) -> anyhow::Result<Self> {
        let local = || -> anyhow::Result<Arc<dyn SystemOfRecord>> {
            let folder = settings.folder(data_dir);
            private_folder(&folder)
                .with_context(|| format!("{} cannot be made; set workflow.folder to one that can", folder.display()))?;
            Ok(Arc::new(Local::open(&folder, settings.from.clone())?))
        };
        let crm = match settings.crm {
            CrmKind::Local => local()?,
            CrmKind::Hubspot => Arc::new(HubSpot::new(&settings.hubspot).context("[workflow.hubspot]")?),
        };
        let mail = match settings.mail {
            MailKind::Local if settings.crm == CrmKind::Local => Arc::clone(&crm),
            MailKind::Local => local()?,
            MailKind::Gmail => Arc::new(Gmail::new(&settings.gmail).context("[workflow.gmail]")?),
        };
        Ok(Self { crm, mail })
    }

    /// The least rights the identity needs in them; `sends` if it is to send messages.
    #[must_use]
    pub fn service(&self, sends: bool) -> Service {
        let messages = if sends { SENDS } else { MESSAGES };
        Service::new(SERVICE, &[(self.crm.name(), RECORDS), (self.mail.name(), messages)])
    }

    /// Each of them once.
    #[must_use]
    pub fn all(&self) -> Vec<&dyn SystemOfRecord> {
        let mut all = vec![&*self.crm];
        if self.mail.name() != self.crm.name() {
            all.push(&*self.mail);
        }
        all
    }
}

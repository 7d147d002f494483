//! The invented system of record: a folder as `crm = "local"` reads it.

use std::{fmt::Write as _, path::Path};

use jiff::{SignedDuration, Timestamp};

use crate::dice::Dice;

const STAGES: [&str; 4] = ["discovery", "evaluation", "proposal", "negotiation"];
const ROLES: [&str; 5] = ["champion", "economic_buyer", "technical_buyer", "user", "procurement"];
const FIRST: [&str; 16] = [
    "Ada", "Ben", "Carla", "Dmitri", "Esra", "Femi", "Grace", "Hugo", "Ines", "Jonas", "Kemi", "Luca", "Mara", "Noor",
    "Olga", "Piet",
];
const LAST: [&str; 12] =
    ["Adler", "Brandt", "Castro", "Duarte", "Eriksen", "Fofana", "Groot", "Hansen", "Ito", "Jensen", "Kaya", "Lindt"];
/// Share of deals that are over, in percent: won, lost.
const OVER: (u64, u64) = (20, 10);

/// Writes deals, contacts and tasks into `folder`, as on the day of `now`. Every eighth deal has a fault a rule knows.
///
/// # Errors
/// If a file cannot be written.
pub fn write(folder: &Path, deals: usize, now: Timestamp, dice: &mut Dice) -> anyhow::Result<()> {
    let day = |days: i64| {
        let at = now + SignedDuration::from_hours(24 * days);
        at.strftime("%Y-%m-%d").to_string()
    };
    let mut of_deals = String::from(
        "id,updated,name,stage,amount,close_date,next_step,next_step_date,owner,contact_ids,company_id,forecast_commit,stage_since\n",
    );
    let mut of_contacts = String::from("id,updated,name,email,role,deal_ids,company_id\n");
    let mut of_tasks = String::from("id,updated,subject,body,due,owner,status,deal_id,contact_id,company_id\n");
    let (mut contact, mut task) = (0, 0);
    for n in 0..deals {
        let at = dice.roll(100);
        let stage = match at {
            at if at < OVER.0 => "closed_won",
            at if at < OVER.0 + OVER.1 => "closed_lost",
            _ => *dice.pick(&STAGES),
        };
        let wrong = n % 8 == 0;
        let updated = day(-(dice.roll(30) as i64));
        let close = if wrong { -(dice.roll(20) as i64) - 1 } else { 20 + dice.roll(120) as i64 };
        let step = if n % 5 == 0 { String::new() } else { day(dice.roll(20) as i64 - 3) };
        let ids: Vec<String> = (0..1 + dice.roll(4)).map(|i| (contact + i).to_string()).collect();
        for id in &ids {
            let name = format!("{} {}", dice.pick(&FIRST), dice.pick(&LAST));
            let role = dice.pick(&ROLES);
            writeln!(of_contacts, "{id},{updated}T09:00:00Z,{name} {id},c{id}@buyer{n}.example,{role},{n},{n}")?;
        }
        contact += ids.len() as u64;
        for _ in 0..dice.roll(4) {
            let (due, status) = (day(dice.roll(40) as i64 - 10), *dice.pick(&["open", "done"]));
            writeln!(of_tasks, "{task},{updated}T09:00:00Z,Send the draft,,{due},rep{},{status},{n},,", n % 40)?;
            task += 1;
        }
        writeln!(
            of_deals,
            "{n},{updated}T09:00:00Z,Buyer {n},{stage},{},{},Call again,{step},rep{},{},{n},{},{}",
            1_000 * (1 + dice.roll(200)),
            day(close),
            n % 40,
            ids.join(";"),
            dice.pick(&["commit", "best case", ""]),
            day(-(dice.roll(120) as i64)),
        )?;
    }
    std::fs::create_dir_all(folder.join("notes"))?;
    std::fs::write(folder.join("deals.csv"), of_deals)?;
    std::fs::write(folder.join("contacts.csv"), of_contacts)?;
    std::fs::write(folder.join("tasks.csv"), of_tasks)?;
    Ok(())
}

/// Writes the note of a call about a deal, as the program writes it once it was approved.
///
/// # Errors
/// If the file cannot be written.
pub fn note(folder: &Path, deal: &str, mark: &str, at: Timestamp, body: &str) -> anyhow::Result<()> {
    let text = format!("about: deal/{deal}\nat: {at}\nref: {mark}\n\n{body}\n");
    Ok(std::fs::write(folder.join("notes").join(format!("{mark}.md")), text)?)
}

// Drives the stand-in with HubSpot's published client: every reply must be one the client understands.
// Usage: node check.mjs URL KEY
import assert from "node:assert/strict";
import { Client } from "@hubspot/api-client";

const [url, accessToken] = process.argv.slice(2);
const client = new Client({ accessToken, basePath: url, numberOfApiCallRetries: 0 });
const { deals, contacts, companies, objects, pipelines, properties, owners, associations } = client.crm;

/** The error the client raises, with the parsed body. */
async function refused(call, code) {
  try {
    await call();
  } catch (error) {
    assert.equal(error.code, code, String(error));
    return error.body;
  }
  assert.fail(`expected ${code}`);
}

async function faults(rules) {
  const reply = await fetch(`${url}/_faults`, { method: "POST", body: JSON.stringify(rules) });
  assert.equal(reply.status, 204);
}

const deal = await deals.basicApi.create({
  properties: { dealname: "Globex", pipeline: "default", dealstage: "appointmentscheduled", amount: "5000" },
  associations: [],
});
assert.match(deal.id, /^\d+$/);
assert.ok(deal.createdAt instanceof Date && deal.updatedAt instanceof Date);
assert.equal(deal.properties.dealname, "Globex");

const contact = await contacts.basicApi.create({ properties: { firstname: "Dana", email: "dana@buyer.example.com" }, associations: [] });
const company = await companies.basicApi.create({ properties: { name: "Globex" }, associations: [] });

// Links, by the newer calls.
const linked = await associations.v4.basicApi.createDefault("deals", deal.id, "contacts", contact.id);
assert.equal(linked.status, "COMPLETE");
await associations.v4.basicApi.create("deals", deal.id, "companies", company.id, [
  { associationCategory: "HUBSPOT_DEFINED", associationTypeId: 341 },
]);
const page = await associations.v4.basicApi.getPage("deals", deal.id, "contacts", undefined, 500);
assert.equal(String(page.results[0].toObjectId), contact.id);
assert.equal(page.results[0].associationTypes[0].category, "HUBSPOT_DEFINED");

// The number of a link is looked up, then a note and a task are put on the deal.
const labels = await associations.v4.schema.definitionsApi.getAll("notes", "deals");
const number = labels.results.find((l) => l.category === "HUBSPOT_DEFINED").typeId;
assert.equal(number, 214);
const on = (id) => [{ to: { id: deal.id }, types: [{ associationCategory: "HUBSPOT_DEFINED", associationTypeId: id }] }];
const note = await objects.notes.basicApi.create({
  properties: { hs_timestamp: "2026-05-01T12:00:00.000Z", hs_note_body: "hello<br>there" },
  associations: on(number),
});
await objects.tasks.basicApi.create({
  properties: { hs_timestamp: "2026-05-08T12:00:00.000Z", hs_task_subject: "send the offer", hs_task_status: "NOT_STARTED" },
  associations: on(216),
});

// Reading: one, a page, a batch, a batch with a gap, a search.
const read = await deals.basicApi.getById(deal.id, ["dealname", "amount", "hs_next_step"], undefined, ["contacts", "notes"]);
assert.equal(read.properties.amount, "5000");
assert.equal(read.properties.hs_next_step, null);
assert.equal(read.associations.contacts.results[0].id, contact.id);
await deals.basicApi.create({ properties: { dealname: "Initech" }, associations: [] });
const first = await deals.basicApi.getPage(1, undefined, ["dealname"]);
assert.equal(first.results.length, 1);
assert.ok(first.paging.next.after);
const notes = await objects.notes.batchApi.read({ inputs: [{ id: note.id }], properties: ["hs_note_body"], propertiesWithHistory: [] });
assert.equal(notes.status, "COMPLETE");
assert.equal(notes.results[0].properties.hs_note_body, "hello<br>there");
const gap = await objects.notes.batchApi.read({ inputs: [{ id: note.id }, { id: "9" }], properties: [], propertiesWithHistory: [] });
assert.equal(gap.numErrors, 1);
assert.equal(gap.errors[0].category, "OBJECT_NOT_FOUND");
const search = await contacts.searchApi.doSearch({
  filterGroups: [{ filters: [{ propertyName: "email", operator: "EQ", value: "dana@buyer.example.com" }] }],
  properties: ["email"], limit: 10, sorts: [], after: "0",
});
assert.equal(search.total, 1);

// Changing and archiving.
const changed = await deals.basicApi.update(deal.id, { properties: { dealstage: "contractsent", amount: "" } });
assert.equal(changed.properties.dealstage, "contractsent");
assert.ok(changed.updatedAt > deal.updatedAt);
await objects.notes.basicApi.archive(note.id);
await refused(() => objects.notes.basicApi.getById(note.id), 404);

// What is known.
const [pipeline] = (await pipelines.pipelinesApi.getAll("deals")).results;
assert.equal(pipeline.stages.length, 7);
const stage = (await properties.coreApi.getAll("deals")).results.find((p) => p.name === "dealstage");
assert.equal(stage.options.length, 7);
assert.equal((await owners.ownersApi.getPage()).results.length, 2);

// Errors: the client must be able to read their bodies.
const twice = { properties: { email: "dana@buyer.example.com" }, associations: [] };
const conflict = await refused(() => contacts.basicApi.create(twice), 409);
assert.match(conflict.message, /Existing ID: \d+/);
const bad = await refused(() => deals.basicApi.update(deal.id, { properties: { no_such: "x" } }), 400);
assert.equal(bad.category, "VALIDATION_ERROR");
assert.equal(bad.errors[0].code, "PROPERTY_DOESNT_EXIST");
const untimed = { properties: { hs_note_body: "x" }, associations: [] };
assert.equal((await refused(() => objects.notes.basicApi.create(untimed), 400)).errors[0].code, "REQUIRED_PROPERTY");
for (const [fault, code, category] of [
  ["rate_short", 429, "RATE_LIMITS"],
  ["rate_daily", 429, "RATE_LIMITS"],
  ["locked", 423, "LOCKED"],
  ["moving", 477, "MIGRATION_IN_PROGRESS"],
  ["token_expired", 401, "EXPIRED_AUTHENTICATION"],
  ["unavailable", 503, "SERVICE_UNAVAILABLE"],
]) {
  await faults([{ path: "/deals", fault }]);
  assert.equal((await refused(() => deals.basicApi.getPage(), code)).category, category);
}
const stranger = new Client({ accessToken: "nobody", basePath: url, numberOfApiCallRetries: 0 });
await refused(() => stranger.crm.deals.basicApi.getPage(), 401);

// A token for a refresh token.
const given = await client.oauth.tokensApi.create("refresh_token", undefined, undefined, "app", "secret", "standin-refresh");
assert.equal(given.tokenType, "bearer");
const renewed = new Client({ accessToken: given.accessToken, basePath: url, numberOfApiCallRetries: 0 });
assert.ok((await renewed.crm.deals.basicApi.getPage()).results.length > 0);
console.log("hubspot: every reply understood");

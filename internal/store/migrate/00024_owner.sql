-- What leaves before the user's consent (contract §12.5). unshared_owner is what a bank says
-- about its customer until the user consents. asked_in is the flow of the widget whose page
-- asks for the consent to a channel's accounts; null if no page asks, and -1 if the flow is gone.

-- +goose Up
ALTER TABLE connections ADD COLUMN unshared_owner TEXT NOT NULL DEFAULT '{}';
UPDATE connections SET unshared_owner = owner, owner = '{}'
    WHERE NOT EXISTS (SELECT 1 FROM consents WHERE consents.connection_id = connections.id)
    AND NOT EXISTS (SELECT 1 FROM accounts WHERE accounts.connection_id = connections.id AND accounts.status <> 'PENDING_CONSENT');

ALTER TABLE channels ADD COLUMN asked_in INTEGER;
UPDATE channels SET asked_in = coalesce(
    (SELECT max(f.id) FROM widget_flows f WHERE f.connection_id = channels.connection_id AND f.entered = channels.definition_id),
    (SELECT CASE WHEN c.consent_per_account THEN NULL ELSE -1 END FROM connections c WHERE c.id = channels.connection_id))
    WHERE awaits_consent
    OR EXISTS (SELECT 1 FROM synchronisations s WHERE s.channel_id = channels.id AND s.ended_at = 0 AND s.progress LIKE '%"ask_consent":true%');
-- A first list that failed in a flow: nobody has consented.
UPDATE channels SET asked_in =
    (SELECT max(f.id) FROM widget_flows f WHERE f.connection_id = channels.connection_id AND f.entered = channels.definition_id)
    WHERE asked_in IS NULL AND last_success_at = 0 AND status NOT IN ('EMPTY', 'RUNNING')
    AND NOT EXISTS (SELECT 1 FROM consents WHERE consents.channel_id = channels.id);

-- The events that are still to be read say what the new ones say.
UPDATE events SET resource = json_remove(resource, '$.Owner')
    WHERE connection_id IN (SELECT id FROM connections WHERE unshared_owner <> '{}');
UPDATE events SET payload = json_remove(payload, '$.Accounts')
    WHERE connection_id IN (SELECT c.connection_id FROM channels c WHERE c.asked_in IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM consents WHERE consents.connection_id = c.connection_id));

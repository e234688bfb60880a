"""The loop that every integration does, through a client generated from our description: create, list, update, delete."""

import sys
from datetime import datetime

from client import AuthenticatedClient
from client.api.contacts import create_customer_contact, list_customer_contacts
from client.api.customers import create_customer, delete_customer, list_customers
from client.api.onboardings import (
    create_onboarding,
    delete_onboarding,
    get_onboarding,
    list_customer_onboardings,
    list_onboardings,
    update_onboarding,
)
from client.models import ContactCreate, CustomerCreate, OnboardingCreate, OnboardingState, OnboardingUpdate

url, key, csm = sys.argv[1:]
api = AuthenticatedClient(base_url=url, token=key, raise_on_unexpected_status=True)


def rows(module, *path, **filters):
    """All pages."""
    found, cursor = [], {}
    while True:
        page = module.sync(*path, client=api, limit=2, **filters, **cursor)
        found += page.data
        if not page.has_more:
            return [row.id for row in found]
        cursor = {"cursor": datetime.fromisoformat(page.next_cursor)}


customer = create_customer.sync(client=api, body=CustomerCreate(name="Halden Freight", mrr=1200))
assert customer.object_ == "customer" and customer.mrr == 1200, customer
contact = create_customer_contact.sync(customer.id, client=api, body=ContactCreate(name="Ann", email="Ann@halden.example"))
assert contact.email == "ann@halden.example" and contact.is_primary, contact
assert rows(list_customer_contacts, customer.id) == [contact.id]

made = [create_onboarding.sync(client=api, body=OnboardingCreate(customer_id=customer.id, csm_id=csm)) for _ in range(3)]
made = [onboarding.id for onboarding in made]
changed = update_onboarding.sync(made[0], client=api, body=OnboardingUpdate(state=OnboardingState.WAITING))
assert changed.waiting_on_customer and changed.waiting_on_customer_since, changed
assert get_onboarding.sync(made[0], client=api) == changed
assert rows(list_customer_onboardings, customer.id) == made[::-1]
assert rows(list_onboardings, customer_id=customer.id, state=OnboardingState.WAITING) == [made[0]]

refused = create_onboarding.sync(client=api, body=OnboardingCreate(customer_id="cust_nobody"))
assert refused.error.code == "customer_not_found", refused

gone = delete_onboarding.sync(made[0], client=api)
assert gone.deleted and gone == delete_onboarding.sync(made[0], client=api)
assert rows(list_customer_onboardings, customer.id) == made[:0:-1]
assert delete_customer.sync(customer.id, client=api).display_id == customer.display_id
assert customer.id not in rows(list_customers)
print("customer, contact, onboarding, update, pages, delete: done")

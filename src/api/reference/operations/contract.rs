//! The public contract's operations.

use super::{
    BODY, DELETE, EMAIL, GET, NO_CONTACT, NO_CUSTOMER, NO_ONBOARDING, Operation, PATCH, POST,
    QUERY, REPEATED, SLUG,
};

/// The contract's, in its order.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        path: "/me",
        id: "get-me",
        tag: "Meta",
        summary: "Identity behind the calling key",
        success: (200, "Me"),
        ..GET
    },
    Operation {
        path: "/health",
        id: "get-health",
        tag: "Meta",
        summary: "Liveness probe",
        description: "200 while the process is up. Needs no key.",
        scope: None,
        success: (200, "Health"),
        errors: &[(429, "Reserved; not answered yet.")],
        ..GET
    },
    Operation {
        path: "/customers",
        id: "list-customers",
        tag: "Customers",
        summary: "List customers",
        description: "Newest first. Deleted ones never appear.",
        query: &[
            ("status", "CustomerStatus", "Only of this status."),
            ("slug", "string", "Only the one of exactly this slug."),
        ],
        success: (200, "CustomerList"),
        errors: &[QUERY],
        ..GET
    },
    Operation {
        path: "/customers",
        id: "create-customer",
        tag: "Customers",
        summary: "Create a customer",
        body: Some("CustomerCreate"),
        success: (201, "Customer"),
        errors: &[BODY, SLUG],
        ..POST
    },
    Operation {
        path: "/customers/{id}",
        id: "get-customer",
        tag: "Customers",
        summary: "Retrieve a customer",
        success: (200, "Customer"),
        errors: &[NO_CUSTOMER],
        ..GET
    },
    Operation {
        path: "/customers/{id}",
        id: "update-customer",
        tag: "Customers",
        summary: "Update a customer",
        description: "What is not sent keeps its value; null clears.",
        body: Some("CustomerUpdate"),
        success: (200, "Customer"),
        errors: &[BODY, NO_CUSTOMER, SLUG],
        ..PATCH
    },
    Operation {
        path: "/customers/{id}",
        id: "delete-customer",
        tag: "Customers",
        summary: "Delete a customer",
        description: "Can be repeated. Its contacts and onboardings leave every list and every notification, but still answer by id.",
        errors: &[NO_CUSTOMER],
        ..DELETE
    },
    Operation {
        path: "/customers/{customerId}/contacts",
        id: "list-customer-contacts",
        tag: "Contacts",
        summary: "List a customer's contacts",
        success: (200, "ContactList"),
        errors: &[QUERY, NO_CUSTOMER],
        ..GET
    },
    Operation {
        path: "/customers/{customerId}/contacts",
        id: "create-customer-contact",
        tag: "Contacts",
        summary: "Add a contact to a customer",
        description: "The first contact is the primary one; is_primary moves the star.",
        body: Some("ContactCreate"),
        success: (201, "Contact"),
        errors: &[BODY, NO_CUSTOMER, EMAIL],
        ..POST
    },
    Operation {
        path: "/contacts/{id}",
        id: "get-contact",
        tag: "Contacts",
        summary: "Retrieve a contact",
        success: (200, "Contact"),
        errors: &[NO_CONTACT],
        ..GET
    },
    Operation {
        path: "/contacts/{id}",
        id: "update-contact",
        tag: "Contacts",
        summary: "Update a contact",
        body: Some("ContactUpdate"),
        success: (200, "Contact"),
        errors: &[BODY, NO_CONTACT, EMAIL],
        ..PATCH
    },
    Operation {
        path: "/contacts/{id}",
        id: "delete-contact",
        tag: "Contacts",
        summary: "Delete a contact",
        description: "Can be repeated. The oldest remaining contact becomes primary in its place.",
        errors: &[NO_CONTACT],
        ..DELETE
    },
    Operation {
        path: "/onboardings",
        id: "list-onboardings",
        tag: "Onboardings",
        summary: "List onboardings",
        description: "state=waiting selects on waiting_on_customer.",
        query: &[
            ("customer_id", "string", "Id or display id of a customer."),
            ("state", "OnboardingState", "Only in this state."),
            ("phase", "OnboardingPhase", "Only in this phase."),
        ],
        success: (200, "OnboardingList"),
        errors: &[QUERY],
        ..GET
    },
    Operation {
        path: "/onboardings",
        id: "create-onboarding",
        tag: "Onboardings",
        summary: "Create an onboarding",
        body: Some("OnboardingCreate"),
        success: (201, "Onboarding"),
        errors: &[BODY, NO_CUSTOMER, REPEATED],
        ..POST
    },
    Operation {
        path: "/customers/{customerId}/onboardings",
        id: "list-customer-onboardings",
        tag: "Onboardings",
        summary: "List a customer's onboardings",
        success: (200, "OnboardingList"),
        errors: &[QUERY, NO_CUSTOMER],
        ..GET
    },
    Operation {
        path: "/onboardings/{id}",
        id: "get-onboarding",
        tag: "Onboardings",
        summary: "Retrieve an onboarding",
        success: (200, "Onboarding"),
        errors: &[NO_ONBOARDING],
        ..GET
    },
    Operation {
        path: "/onboardings/{id}",
        id: "update-onboarding",
        tag: "Onboardings",
        summary: "Update an onboarding",
        description: "state=waiting sets waiting_on_customer; leaving it clears the flag unless the same request sets it. What the server owns is ignored.",
        body: Some("OnboardingUpdate"),
        success: (200, "Onboarding"),
        errors: &[BODY, NO_ONBOARDING, (409, "Reserved; not answered yet.")],
        ..PATCH
    },
    Operation {
        path: "/onboardings/{id}",
        id: "delete-onboarding",
        tag: "Onboardings",
        summary: "Delete an onboarding",
        description: "Can be repeated. What was about to be sent is cancelled.",
        errors: &[NO_ONBOARDING],
        ..DELETE
    },
];

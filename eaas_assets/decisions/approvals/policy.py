"""The approval policy as it is read from the data folder, and who may act in which role under it."""

from __future__ import annotations

from pathlib import Path

from eaas_assets.contracts.decision_policy import ApprovalPolicy, Person
from eaas_assets.contracts.documents import validate_document
from eaas_assets.storage.yaml_documents import read_yaml

APPROVAL_POLICY_FILE = "policies/approvals.yaml"


def read_approval_policy(root: Path, relative: str = APPROVAL_POLICY_FILE) -> ApprovalPolicy:
    """The policy of a data folder.

    Raises:
        InputError: The file is missing or wrong; one problem per fault.
    """
    return validate_document(ApprovalPolicy, read_yaml(root, relative))


def person_of(policy: ApprovalPolicy, name: str) -> Person | None:
    """The listed person of this name."""
    return next((person for person in policy.people if person.person == name), None)


def may_act_as(policy: ApprovalPolicy, person: Person, role: str) -> bool:
    """Whether the person holds the role; a role that nobody holds may be a person's own name (an owner named so)."""
    if role in person.roles:
        return True
    return role == person.person and not any(role in other.roles for other in policy.people)

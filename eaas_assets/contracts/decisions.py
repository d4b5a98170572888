"""Contracts of the decisions: what was decided and why, what would change it, who agreed, and what it is worth."""

from __future__ import annotations

from eaas_assets.contracts.experiments import STRENGTHS, TIERS
from eaas_assets.contracts.tables import Boolean, Integer, Table, Timestamp, column, instant, optional

SUBJECTS = ("experiment", "release")
PHASES = ("proposal", "running", "concluded", "release")
WORDS = ("start", "fix_design", "do_not_start", "continue", "pause", "scale", "pivot", "retire")
STATES = ("made", "pending_approval", "approved", "rejected", "overridden")
CONFIDENCES = ("high", "medium", "low")


class Decisions(Table):
    """One row per decision that was ever made; ``current`` marks the latest of each subject.

    A decision is identified by its subject, evidence, facts and policies: the same evidence under the same policies
    is decided once. A row is never changed but in ``state``, ``effective_decision`` and ``current``.
    """

    decision_id: str = column("Hash of subject, facts, evidence and policies", unique=True)
    current: bool = column("Whether it is the latest decision on its subject")
    subject_kind: str = column("experiment or release", isin=SUBJECTS)
    subject_id: str = column("Experiment, or agent@version")
    title: str = column("What the subject is called")
    phase: str = column("proposal, running, concluded or release", isin=PHASES)
    decision: str = column("What the rule says", isin=WORDS)
    effective_decision: str = optional(
        "What holds: the decision once made or approved, or the override's word; null while pending or rejected",
        isin=WORDS,
    )
    state: str = column(
        "made: needs nobody; pending_approval; approved; rejected; overridden: someone decided against the rule",
        isin=STATES,
    )
    rule: str = column("The rule that fired")
    rule_position: int = column("Its position among the rules of its phase, from 1", ge=1)
    capped_from: str = optional("Word of the rule where the design's strength caps it", isin=WORDS)
    rationale: str = column("Why, in one sentence")
    confidence: str = column("high, medium or low", isin=CONFIDENCES)
    risk: str = column("Risk tier", isin=TIERS)
    strength: str = column("Strength of the design", isin=STRENGTHS)
    owner: str = optional("Who runs it")
    decision_owner: str = optional("Who decides on it")
    at_stake_usd: float = optional("Money at stake, for the approval rules; null where not known", ge=0)
    required_json: str = column("Approvals that are needed: roles, people, signed")
    missing_json: str = column("What is still missing of them")
    facts_json: str = column("Every fact that was known, by name: the whole evidence of the decision")
    missing_facts_json: str = column("Facts that were not known")
    reversal_triggers_json: str = column("What would reverse it")
    next_review_on: Timestamp = instant("When it is looked at again")
    evidence_id: str = column("Evidence of the experiment, or the run of the release")
    data_versions_json: str = column("Hashes of document, data, code and policies")
    policy_hash: str = column("Policy `decisions`")
    approvals_policy_hash: str = column("Policy `approvals`")
    decided_at: Timestamp = instant("When it was first decided")
    audit_seq: int = column("Its entry in the audit log", ge=1)


class DecisionCounterfactuals(Table):
    """One row per smallest single change that flips a current decision: of a fact, or of a threshold."""

    decision_id: str = column("Decision")
    subject_id: str = column("Experiment, or agent@version")
    rank: int = column("1 is the nearest change of the decision", ge=1)
    decision: str = column("What is decided", isin=WORDS)
    kind: str = column("evidence: a fact changes; threshold: a rule's bound changes", isin=("evidence", "threshold"))
    fact: str = column("The fact that changes, or that the rule asks about")
    rule: str = column("The rule that fires instead (evidence), or whose bound changes (threshold)")
    current_value: str = optional("As it is; null where it is missing")
    flipped_value: str = column("The nearest value that flips the decision")
    change: float = optional("flipped − current; null for what is no number")
    standard_errors: float = optional("The change in standard errors of the fact; null where it has none", ge=0)
    becomes: str = column("The decision then", isin=WORDS)
    further_units: Integer = optional(
        "Further units after which such a change would be shown, if the estimate stays", ge=0
    )
    further_days: Integer = optional("Days that takes at the present rate", ge=0)
    further_usd: float = optional("What they cost", ge=0)
    reason: str = optional("Why no number of units is given")
    statement: str = column("In one sentence")
    policy_hash: str = column("Policy `decisions`")


class PolicyBacktest(Table):
    """One row per past decision that was decided anew under another policy. Nothing is decided by it."""

    replay_id: str = column("Hash of the two policies and the decisions that were replayed")
    replayed_at: Timestamp = instant("When")
    decision_id: str = column("The past decision")
    subject_kind: str = column("experiment or release", isin=SUBJECTS)
    subject_id: str = column("Experiment, or agent@version")
    phase: str = column("Its phase", isin=PHASES)
    decided_at: Timestamp = instant("When it was decided")
    old_decision: str = column("As it was decided", isin=WORDS)
    old_rule: str = column("By this rule")
    new_decision: str = column("Under the other policy", isin=WORDS)
    new_rule: str = column("By this rule")
    differs: bool = column("Whether the words differ")
    outcome_known: bool = column("Whether a later outcome of the subject is known")
    difference_usd: float = optional("What the other decision would have been worth; null where not known")
    reason: str = optional("Why it is not known, or how it was found")
    old_policy_hash: str = column("Policy of the past decision")
    new_policy_hash: str = column("The other policy")


class Approvals(Table):
    """One row per approval, rejection, override or waiver that someone asked for, also the refused ones."""

    approval_id: str = column("Hash of its content", unique=True)
    audit_seq: int = column("Its entry in the audit log", ge=1)
    decision_id: str = column("Decision")
    subject_id: str = column("Experiment, or agent@version")
    action: str = column("approve, reject, override or waive", isin=("approve", "reject", "override", "waive"))
    person: str = column("Who")
    role: str = column("In which role")
    word: str = optional(
        "Decision that an override puts in place, or that is approved in place of the rule's", isin=WORDS
    )
    waived_role: str = optional("Role whose approval a waiver lifts")
    reason: str = optional("Why; needed for a rejection, an override and a waiver")
    at: Timestamp = instant("When")
    expires_at: Timestamp = instant("Until when it counts", nullable=True)
    signed: bool = column("Whether it carries a signature that was verified")
    key_fingerprint: str = optional("Of the key that signed it")
    valid: bool = column("Whether it counts now")
    refusal_code: str = optional("Why it does not count: unknown_person, wrong_role, own_experiment, expired, …")
    refusal_reason: str = optional("In words")


class AuditLog(Table):
    """One row per entry of the audit log. The log itself is the file; this table is a view of it."""

    seq: int = column("1, 2, … without a gap", ge=1, unique=True)
    at: Timestamp = instant("When")
    actor: str = column("Who or what")
    kind: str = column(
        "decision, approval, rejection, override, waiver, policy_change, refusal, evaluation_run or checkpoint",
        isin=(
            "decision",
            "approval",
            "rejection",
            "override",
            "waiver",
            "policy_change",
            "refusal",
            "evaluation_run",
            "checkpoint",
        ),
    )
    subject_id: str = optional("Experiment, agent@version or policy")
    summary: str = column("In one sentence")
    payload_json: str = column("The whole entry's content")
    inputs_json: str = column("Hashes of what it rests on")
    code_version: str = column("Version of this package")
    identity: str = optional("What makes it the same entry when it is appended once more")
    recovered_bytes: int = column("Bytes of an unfinished line of a dead writer that were removed just before it", ge=0)
    previous_hash: str = column("Hash of the entry before")
    entry_hash: str = column("Hash of this entry", unique=True)


class ExperimentPortfolio(Table):
    """One row per experiment, ranked by what it is expected to be worth after luck and risk are taken off."""

    rank: Integer = optional("1 is the best; null where no value can be told", ge=1)
    experiment_id: str = column("Experiment")
    title: str = column("Title")
    domain: str = column("Domain")
    type: str = column("Kind of change")
    owner: str = column("Owner")
    population: str = column("Population")
    risk_tier: str = column("Risk tier", isin=TIERS)
    status: str = column("proposed, running, concluded or archived")
    decision: str = optional("Current decision", isin=WORDS)
    decision_state: str = optional("Its state", isin=STATES)
    effect_class: str = column(
        "Experiments whose effects are shrunk together: hypothesis type and kind of the primary metric"
    )
    raw_effect: float = optional("Relative benefit as estimated; null where refused")
    raw_se: float = optional("Its standard error", ge=0)
    shrunk_effect: float = optional("Relative benefit after shrinkage within its class")
    shrunk_low: float = optional("Its interval")
    shrunk_high: float = optional("Upper end")
    expected_value_usd: float = optional(
        "Yearly net value at the shrunk effect; of a proposal: chance that its kind works × what that brings − its cost"
    )
    value_low_usd: float = optional("At the lower end; of a proposal: if it does not work")
    value_high_usd: float = optional("At the upper end; of a proposal: if it works")
    p_loss: float = optional("Probability of a loss", ge=0, le=1)
    risk_adjusted_value_usd: float = optional("Expected value less a charge for risk: what ranks")
    cost_to_date_usd: float = optional("Spent so far", ge=0)
    realised_value_usd: float = optional(
        "Gained since a change was scaled, if it went live then and its effect lasted; null where that is not known"
    )
    roi: float = optional(
        "If kept: (yearly net value − cost to date) / (cost to date + yearly cost); null without a cost or a value"
    )
    roi_low: float = optional("At the lower end")
    roi_high: float = optional("At the upper end")
    cost_of_continuing_usd: float = optional(
        "One more week: cost of running it, and the value forgone of a change that is expected to pay", ge=0
    )
    value_of_waiting_usd: float = optional("Expected gain from deciding a week later with more data", ge=0)
    funding_cost_usd: float = optional("What starting a proposal costs", ge=0)
    funded: Boolean = optional(
        "Whether the budget should fund this proposal; null for what is no proposal, and without a budget"
    )
    funding_reason: str = optional("Why, or why not")
    value_reason: str = optional("Why there is no value")
    evidence_id: str = column("Evidence")
    statement: str = column("In one sentence")
    policy_hash: str = column("Policy `portfolio`")


class PortfolioSummary(Table):
    """One row per figure of the whole portfolio, or of one group in it."""

    area: str = column(
        "cost, value, risk, concentration, velocity, error_budget or funding",
        isin=("cost", "value", "risk", "concentration", "velocity", "error_budget", "funding"),
    )
    figure: str = column("Which figure")
    grouping: str = optional("tier, owner, population, domain; null for the whole")
    group: str = optional("Value of the grouping")
    value: float = optional("The figure; null where undefined")
    low: float = optional("Its interval")
    high: float = optional("Upper end")
    unit: str = column("usd, share, count, days, nats or ratio")
    numerator: float = optional("Above the line of a rate")
    denominator: float = optional("Below it")
    reason: str = optional("Why it is null")
    statement: str = column("In one sentence")
    policy_hash: str = column("Policy `portfolio`")


class LearningSummaries(Table):
    """One row per domain, type of change and class of effects: what worked, for whom, and how sure that is."""

    domain: str = column("Domain")
    type: str = column("Kind of change")
    effect_class: str = column("Hypothesis type and kind of the primary metric")
    experiments: int = column("Experiments with an answer or a refusal", ge=0)
    worked: int = column("Improved", ge=0)
    harmed: int = column("Harmed the primary metric, or a guardrail though that improved", ge=0)
    no_effect: int = column("Showed that there is no effect worth having", ge=0)
    inconclusive: int = column("Could not tell", ge=0)
    refused: int = column("Without an estimate", ge=0)
    success_rate: float = optional("worked / answered, shrunk towards all experiments (Beta prior)", ge=0, le=1)
    success_low: float = optional("Its interval", ge=0, le=1)
    success_high: float = optional("Upper end", ge=0, le=1)
    prior_mean: float = optional("Mean of the true relative benefits, for the next design")
    prior_sd: float = optional("Their standard deviation, with the doubt about the mean", ge=0)
    prior_experiments: int = column("Estimates of the class that the prior rests on; 0: it is the policy's", ge=0)
    typical_effect: float = optional("Median relative benefit after shrinkage")
    suggested_minimum_effect: float = optional(
        "Relative effect that the next design should be able to show: half of the changes that help help by as much",
        ge=0,
    )
    false_positive_risk: float = optional("Chance that a significant win of this kind is none", ge=0, le=1)
    predicted: float = optional("Mean relative effect that owners predicted, where they did")
    realised: float = optional("Mean relative effect of the same experiments, shrunk")
    segments_json: str = column("Segments that gained and that were harmed, by name, with the number of experiments")
    reason: str = optional("Why there are no figures")
    statement: str = column("In plain sentences")
    policy_hash: str = column("Policy `portfolio`")

"""What a person would look at first when a test has failed."""

from __future__ import annotations

from tests.e2e.cluster import ApiError, Cluster, Unreachable
from tests.e2e.release import Release
from tests.e2e.waiting import brief

LINES = 60


def state(release: Release, virt: Cluster | None) -> str:
    """Return the state of a release as text; what cannot be had is said instead of failing."""
    parts = [f"=== {release.namespace}/{release.name}"]
    try:
        pods = release.host.api.all("Pod", release.namespace)
        parts += ["--- host pods", *map(brief, pods)]
        events = release.host.api.all("Event", release.namespace)
        parts += ["--- host events", *map(_event, _last(events))]
        parts += ["--- syncer", release.syncer_log(LINES)]
        if virt is not None:
            pods = virt.all("Pod")
            parts += [
                "--- virtual pods",
                *(f"{p['metadata']['namespace']}/{brief(p)}" for p in pods),
            ]
            parts += ["--- virtual events", *map(_event, _last(virt.all("Event")))]
    except (ApiError, Unreachable) as error:
        parts.append(f"no more: {error}")
    return "\n".join(parts)


def _last(events: list[dict[str, object]]) -> list[dict[str, object]]:
    return sorted(events, key=lambda e: str(e.get("lastTimestamp") or e.get("eventTime")))[-25:]


def _event(event: dict[str, object]) -> str:
    about = event["involvedObject"]
    assert isinstance(about, dict)
    return (
        f"{event.get('lastTimestamp') or event.get('eventTime')} {event.get('type')}"
        f" {about.get('kind')}/{about.get('name')} {event.get('reason')}: {event.get('message')}"
    )

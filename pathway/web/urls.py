"""The addresses of the pages. Patients are named by their random UUID, never by anything that tells who they are."""

from django.urls import path

from pathway.web import (
    access_reports,
    acting,
    actions,
    content,
    covers,
    emergencies,
    feeds,
    gaps,
    home,
    patients,
    preferences,
    recording,
    records,
    treating,
    visiting,
)

urlpatterns = [
    path("", home.home, name="home"),
    path("inbox/", home.messages, name="inbox"),
    path("my-messages/", preferences.my_messages, name="my-messages"),
    path("undelivered/", preferences.not_delivered, name="undelivered"),
    path("inbox/read/", home.mark_read, name="mark-read"),
    path("account/calendar/", feeds.overview, name="calendar-feeds"),
    path("account/calendar/renew/", feeds.renew, name="calendar-feed-renew"),
    path("account/calendar/stop/", feeds.stop, name="calendar-feed-stop"),
    path("feeds/<str:token>.ics", feeds.read, name="calendar-feed"),
    path("patients/", patients.search, name="search"),
    path("patients/register/", patients.register, name="register"),
    path("patients/<uuid:uuid>/", patients.patient, name="patient"),
    path("patients/<uuid:uuid>/why/", patients.why, name="why"),
    path("patients/<uuid:uuid>/results/", patients.results, name="results"),
    path("patients/<uuid:uuid>/enroll/", patients.enroll, name="enroll"),
    path("patients/<uuid:uuid>/team/", patients.team, name="team"),
    path("patients/<uuid:uuid>/record/", recording.choose, name="record"),
    path("patients/<uuid:uuid>/record/<slug:code>/", recording.record, name="record-kind"),
    path("patients/<uuid:uuid>/visit/", visiting.visit, name="visit"),
    path("patients/<uuid:uuid>/start/", treating.choose, name="start"),
    path("patients/<uuid:uuid>/access/", access_reports.of_patient, name="access-of-patient"),
    path("audit/", access_reports.find, name="audit"),
    path("audit/patients/<uuid:uuid>/", access_reports.numbered, name="audit-patient"),
    path("audit/sites/<int:site>/people/<int:person>/", access_reports.of_person, name="audit-person"),
    path("audit/unusual/", access_reports.queue, name="unusual"),
    path("audit/unusual/<int:site>/mark/", access_reports.mark, name="unusual-mark"),
    path("patients/<uuid:uuid>/records/", records.overview, name="records"),
    path("patients/<uuid:uuid>/merge/", records.merge, name="merge"),
    path("merges/<int:merge>/", records.decide, name="merge-decide"),
    path("merges/<int:merge>/refuse/", records.refuse, name="merge-refuse"),
    path("merges/<int:merge>/undo/", records.undo, name="merge-undo"),
    path("patients/<uuid:uuid>/transfer/", records.transfer, name="transfer"),
    path("transfers/<int:offer>/withdraw/", records.withdraw_transfer, name="transfer-withdraw"),
    path("transfers/", records.offers, name="transfers"),
    path("transfers/<int:offer>/", records.accept, name="transfer-accept"),
    path("transfers/<int:offer>/decline/", records.decline, name="transfer-decline"),
    path("patients/<uuid:uuid>/hold-record/", records.hold, name="hold-record"),
    path("holds/<int:hold>/release/", records.release, name="hold-release"),
    path("patients/<uuid:uuid>/export/", records.export, name="export"),
    path("emergency/", emergencies.emergency, name="emergency"),
    path("emergency/<int:grant>/give-back/", emergencies.give_back, name="emergency-give-back"),
    path("emergency/reviews/", emergencies.reviews, name="emergency-reviews"),
    path("emergency/reviews/<int:grant>/", emergencies.review, name="emergency-review"),
    path("covers/", covers.plan, name="covers"),
    path("covers/<int:cover>/end/", covers.end, name="cover-end"),
    path("gaps/", gaps.overview, name="gaps"),
    path("unsteered/", emergencies.unsteered, name="unsteered"),
    path("unsteered/<uuid:patient>/adopt/", emergencies.adopt, name="adopt"),
    path("content/roles/", content.roles, name="roles"),
    path("content/coverage/", content.statements, name="coverage"),
    path("content/pathways/<slug:slug>/", content.pathway, name="pathway"),
    path("content/pathways/<slug:slug>/drawing.svg", content.drawing, name="pathway-drawing"),
    path("observations/<int:pk>/correct/", recording.correct, name="observations-correct"),
    *(
        path(f"{noun}/<int:pk>/{name}/", acting.act, {"noun": noun, "action": name}, name=f"{noun}-{name}")
        for noun, kind in actions.NOUNS.items()
        if noun != "parts"
        for name in kind.actions
    ),
    *(
        path(
            f"enrollments/<int:pk>/{name}/<slug:key>/",
            acting.act,
            {"noun": "parts", "action": name},
            name=f"enrollments-{name}",
        )
        for name in actions.NOUNS["parts"].actions
    ),
]

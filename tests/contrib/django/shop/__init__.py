"""An app of a Django project, as the tests need it; whoever imports it has Django set up."""

from tests.contrib.django_settings import configure

configure()

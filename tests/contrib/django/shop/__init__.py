"""An app of a Django project, as the tests need it. To import it is to have Django set up."""

from tests.contrib.django_settings import configure

configure()

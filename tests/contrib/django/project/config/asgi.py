import os

from django.core.asgi import get_asgi_application

from pgq.contrib.django.asgi import DjQueueLifespan

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = DjQueueLifespan(get_asgi_application())

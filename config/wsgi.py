import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()

# A batch of a thousand events makes tens of thousands of objects that all live until it is written: looking through them
# for garbage meanwhile costs a sixth of the time and finds none. What was loaded up to here stays for ever.
gc.freeze()
gc.set_threshold(50_000, 20, 20)

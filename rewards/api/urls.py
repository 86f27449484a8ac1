from django.urls import path

from .checkout import QuoteView

urlpatterns = [path("checkout/quote", QuoteView.as_view(), name="checkout-quote")]

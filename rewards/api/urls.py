from django.urls import path

from .checkout import QuoteView
from .games import GamesView, GameView, MyGamesView, MyGameView
from .plays import MyGamePlaysView, MyPlaysView

urlpatterns = [
    path("checkout/quote", QuoteView.as_view(), name="checkout-quote"),
    path("games", GamesView.as_view(), name="games"),
    path("games/<slug:code>", GameView.as_view(), name="games-detail"),
    path("me/games", MyGamesView.as_view(), name="me-games"),
    path("me/games/<slug:code>", MyGameView.as_view(), name="me-games-detail"),
    path("me/games/<slug:code>/plays", MyGamePlaysView.as_view(), name="me-games-plays"),
    path("me/plays", MyPlaysView.as_view(), name="me-plays"),
]

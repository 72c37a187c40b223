"""What customers write about on an ordinary day: many small things, none of them a theme."""

from __future__ import annotations

TOPICS: tuple[tuple[str, str, str], ...] = (
    # service, subject, what it says
    ("frontend", "Menu hidden on my tablet", "The side menu does not open on a small screen until I turn it."),
    ("frontend", "Dark colours please", "Could the pages of order {order} be shown in dark colours?"),
    ("frontend", "Keyboard shortcut for search", "Is there a key that jumps to the search box?"),
    ("checkout", "Wrong delivery address on order", "Order {order} shows our old address, can you change it?"),
    ("checkout", "Voucher not accepted", "A voucher we got last week is refused when ordering {sku}."),
    ("payment", "Invoice paid twice?", "My bank shows two bookings for {order}, please check."),
    ("payment", "Pay by bank transfer", "We would like to pay {order} by transfer instead."),
    ("cart", "Empty the whole cart at once", "Removing {number} items one by one is tedious."),
    ("cart", "Share a cart with a colleague", "Can two people fill the same cart?"),
    ("catalog", "Picture of the wrong product", "{sku} shows a picture of something else."),
    ("catalog", "When is it back in stock", "Do you know when {sku} can be ordered again?"),
    ("catalog", "Missing measurements", "The page of {sku} does not say how heavy it is."),
    ("search", "Cannot find a product by number", "Typing {sku} into the search finds nothing, the name does."),
    ("search", "Sort results by price", "The results should be sortable by price."),
    ("accounts", "Cannot sign in with new phone", "After changing my phone the code is not accepted."),
    ("accounts", "Add a user to our account", "Please add a colleague with rights to order."),
    ("accounts", "Change of company name", "Our company has a new name, where do I change it?"),
    ("billing", "VAT number missing on invoice", "Invoice {id} lacks our VAT number."),
    ("billing", "Change plan at month's end", "We want to change our plan at the end of the month."),
    ("billing", "Copy of an old invoice", "Please send invoice {id} from last year again."),
    ("notification", "Too many e-mails", "We get {number} e-mails a week, please reduce them."),
    ("notification", "Message in the wrong language", "The confirmation of {order} came in another language."),
    ("shipping", "Parcel left at a neighbour", "Order {order} was left next door without a note."),
    ("shipping", "Delivery on Saturday", "Can {order} be delivered on a Saturday?"),
    ("shipping", "Box was damaged", "The box of {order} arrived damaged, the goods are fine."),
    ("recommendation", "Suggestions do not fit", "I keep being offered {sku}, which we already have."),
    ("recommendation", "Hide suggestions", "How can I switch the suggestions off?"),
    ("export", "Which columns does the file have", "Is there a description of the columns of an export?"),
    ("export", "Scheduled report by e-mail", "Can the weekly report come on Mondays instead?"),
)
REPLIES: tuple[str, ...] = (
    "Thank you for writing. We are looking into it and will come back to you.",
    "Thanks, we have passed this on to the team that looks after it.",
    "Could you tell us when this happened last, and on which device?",
)
ANSWERS: tuple[str, ...] = (
    "It happened again this morning.",
    "Thank you, here is what you asked for: it was yesterday, in the office.",
    "Any news on this?",
)
CLOSINGS: tuple[str, ...] = (
    "We believe this is settled now. Please write again if it is not.",
    "Done. Have a good day.",
    "We are sorry for the trouble and have added it to our list.",
)

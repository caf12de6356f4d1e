from tests.admin_users import clerk, operator, reader, stranger

__all__ = ["clerk", "operator", "reader", "stranger"]
